import { expect, test } from 'vitest';
import { currentReport, findEvidence, isSilent } from '../src/evidence.js';
import { exampleSight, exampleView } from './example-view.js';

const silent = exampleSight('pg1', { silent: 450 });

test('a member that answers is not suspected', () => {
  expect(findEvidence(exampleView('pg2'), 'pg1')).toBeUndefined();
});

test('a postmaster that is gone is said by its own agent, or seen by it', () => {
  const told = exampleView('pg2', { others: { pg1: exampleSight('pg1', {}, { postgres: 'crashed' }) } });
  expect(findEvidence(told, 'pg1')?.kind).toBe('dead');
  expect(findEvidence(exampleView('pg1', { own: { postgres: 'crashed' } }), 'pg1')?.kind).toBe('dead');
  for (const postgres of ['stopped', 'unknown', 'standby', 'primary'] as const) {
    expect(findEvidence(exampleView('pg1', { own: { postgres } }), 'pg1')).toBeUndefined();
    const other = exampleView('pg2', { others: { pg1: exampleSight('pg1', {}, { postgres }) } });
    expect(findEvidence(other, 'pg1')).toBeUndefined();
  }
});

test('what was said long ago says nothing about now', () => {
  const said = exampleSight('pg1', {}, { postgres: 'crashed' });
  const old = { ...said, report: said.report && { ...said.report, age: 351 } };
  expect(findEvidence(exampleView('pg2', { others: { pg1: old } }), 'pg1')).toBeUndefined();
  expect(currentReport(old)).toBeUndefined();
  expect(currentReport(said)?.postgres).toBe('crashed');
});

test('ports that refuse are believed when that lasts', () => {
  const refusing = (milliseconds: number) =>
    findEvidence(exampleView('pg2', { others: { pg1: exampleSight('pg1', { refusing: milliseconds }) } }), 'pg1');
  expect(refusing(5)).toBeUndefined();
  expect(refusing(50)?.kind).toBe('dead');
});

test('an agent that refuses alone is no evidence', () => {
  const view = exampleView('pg2', { others: { pg1: exampleSight('pg1', { agentRefusing: 5000, silent: 10 }) } });
  expect(findEvidence(view, 'pg1')).toBeUndefined();
});

test('of three members both others must hear nothing', () => {
  const alone = exampleView('pg2', { others: { pg1: silent } });
  expect(findEvidence(alone, 'pg1')).toBeUndefined();
  const both = exampleView('pg2', { others: { pg1: silent, pg3: exampleSight('pg3', {}, { silent: ['pg1'] }) } });
  expect(findEvidence(both, 'pg1')).toMatchObject({ kind: 'silent' });
});

test('of five members three of the four others must, of two the one other', () => {
  const members = ['pg1', 'pg2', 'pg3', 'pg4', 'pg5'];
  const hears = (witnesses: readonly string[]) =>
    Object.fromEntries(witnesses.map((name) => [name, exampleSight(name, {}, { silent: ['pg1'] })]));
  const five = (witnesses: readonly string[]) =>
    findEvidence(exampleView('pg2', { settings: { members }, others: { pg1: silent, ...hears(witnesses) } }), 'pg1');
  expect(five(['pg3'])).toBeUndefined();
  expect(five(['pg3', 'pg4'])?.kind).toBe('silent');
  const two = exampleView('pg2', { settings: { members: ['pg1', 'pg2'] }, others: { pg1: silent } });
  expect(findEvidence(two, 'pg1')?.kind).toBe('silent');
});

test('a witness counts only by a current report, and the suspect itself never', () => {
  const pg3 = exampleSight('pg3', {}, { silent: ['pg1'] });
  const old = { ...pg3, report: pg3.report && { ...pg3.report, age: 400 } };
  expect(findEvidence(exampleView('pg2', { others: { pg1: silent, pg3: old } }), 'pg1')).toBeUndefined();
  const itself = exampleSight('pg1', { silent: 450 }, { silent: ['pg1'] });
  expect(findEvidence(exampleView('pg2', { others: { pg1: itself } }), 'pg1')).toBeUndefined();
});

test('a member that was never heard is unknown, not silent', () => {
  const view = exampleView('pg2', { others: { pg1: exampleSight('pg1', { silent: undefined, report: undefined }) } });
  expect(isSilent(view, 'pg1')).toBe(false);
  expect(isSilent(exampleView('pg2', { others: { pg1: exampleSight('pg1', { silent: 449 }) } }), 'pg1')).toBe(false);
  expect(isSilent(exampleView('pg2', { others: { pg1: silent } }), 'pg1')).toBe(true);
});
