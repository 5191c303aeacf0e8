import { expect, test } from 'vitest';
import { judgeGate } from '../src/gate.js';
import { exampleDcs, exampleView, type ViewChange } from './example-view.js';

const gate = (change: ViewChange = {}, me = 'pg1') => judgeGate(exampleView(me, change));

test('a primary with a fresh proof is up', () => {
  expect(gate()).toBe('up');
  expect(gate({ own: { proof: 350 } })).toBe('up');
});

test('a proof that ages makes it unsure, then down', () => {
  expect(gate({ own: { proof: 351 } })).toBe('unsure');
  expect(gate({ own: { proof: 3000 } })).toBe('unsure');
  expect(gate({ own: { proof: 3001 } })).toBe('down');
});

test('an agent that has just started takes nobody down', () => {
  expect(gate({ own: { proof: undefined }, memory: { leading: undefined }, dcs: undefined })).toBe('unsure');
  expect(gate({ own: { postgres: 'unknown' } })).toBe('unsure');
});

test('nobody is up before the proofs of the last holder have expired', () => {
  expect(gate({ memory: { leading: 349 } })).toBe('unsure');
  expect(gate({ memory: { leading: undefined } })).toBe('unsure');
  expect(gate({ memory: { leading: 350 } })).toBe('up');
});

test("who is no primary, or was deposed, or sees that the lock is another one's, is down", () => {
  for (const postgres of ['standby', 'stopped', 'crashed'] as const) expect(gate({ own: { postgres } })).toBe('down');
  expect(gate({ own: { deposed: 0 } })).toBe('down');
  expect(gate({ dcs: exampleDcs({ leader: 'pg2' }) })).toBe('down');
});

test('while the lock is nobody’s it is neither up nor down', () => {
  const dcs = exampleDcs({ leader: undefined });
  expect(gate({ dcs })).toBe('unsure');
  expect(gate({ dcs, own: { proof: 3001 } })).toBe('down');
});

test('strict mode lets clients in only when commits wait', () => {
  expect(gate({ own: { commitsWait: false } })).toBe('down');
  for (const mode of ['on', 'quorum', 'off'] as const) {
    expect(gate({ settings: { mode }, own: { commitsWait: false } })).toBe('up');
  }
});
