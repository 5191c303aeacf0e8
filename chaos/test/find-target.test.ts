import { describe, expect, it } from 'vitest';
import { chooseTarget, type RoleFacts } from '../src/scenarios/find-target.js';

const facts: RoleFacts = {
  members: ['pg1', 'pg2', 'pg3'],
  route: 'pg1',
  leader: 'pg1',
  standbys: ['pg3'],
  before: 'pg2',
};

describe('chooseTarget', () => {
  it('finds each role', () => {
    expect(chooseTarget('primary', facts)).toBe('pg1');
    expect(chooseTarget('standby', facts)).toBe('pg3');
    expect(chooseTarget('other replica', facts)).toBe('pg2');
    expect(chooseTarget('former primary', facts)).toBe('pg2');
  });

  it('believes the lock before the proxy, and the past when nobody knows', () => {
    expect(chooseTarget('primary', { ...facts, leader: 'pg2' })).toBe('pg2');
    expect(chooseTarget('primary', { ...facts, leader: undefined })).toBe('pg1');
    expect(chooseTarget('primary', { ...facts, leader: undefined, route: undefined })).toBe('pg2');
    expect(
      chooseTarget('primary', { ...facts, leader: undefined, route: undefined, before: undefined }),
    ).toBeUndefined();
  });

  it('takes any replica where none is synchronous, and the only one where there is one', () => {
    expect(chooseTarget('standby', { ...facts, standbys: [] })).toBe('pg2');
    const two = { ...facts, members: ['pg1', 'pg2'], standbys: ['pg2'] };
    expect(chooseTarget('standby', two)).toBe('pg2');
    expect(chooseTarget('other replica', two)).toBe('pg2');
  });

  it('does not take a primary that is still listed as the standby it was', () => {
    expect(chooseTarget('standby', { ...facts, leader: 'pg3' })).toBe('pg1');
  });
});
