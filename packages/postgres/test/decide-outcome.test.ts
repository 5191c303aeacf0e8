import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { decideOutcome, type TransactionTrace } from '../src/database/decide-outcome.js';
import { encodeValue } from '../src/database/encode-value.js';
import { judgeBreak, type Progress } from '../src/database/judge-failure.js';
import { PreparedStatements } from '../src/database/prepared-statements.js';
import { parseLsn, type ServerLife } from '../src/database/server-life.js';

const before: ServerLife = { inRecovery: false, id: 'one', timeline: 3, recoveredTo: 100n, streamed: true };
const trace: TransactionTrace = { transactionId: '700', position: 5000n, life: before };
const promoted: ServerLife = { inRecovery: false, id: 'two', timeline: 4, recoveredTo: 6000n, streamed: true };

describe('decideOutcome', () => {
  test.each([
    ['committed', 'committed'],
    ['aborted', 'not committed'],
    ['future', 'not committed'],
    ['in progress', 'in progress'],
    ['forgotten', 'unknown'],
  ] as const)('the same server says %s: %s', (status, expected) => {
    expect(decideOutcome(trace, status, before)).toBe(expected);
  });

  test.each([
    ['what it replayed holds ours', 'committed', promoted, 'committed'],
    [
      'it stopped replaying before ours: somebody else has the number',
      'committed',
      { ...promoted, recoveredTo: 4999n },
      'not committed',
    ],
    ['the number was never used', 'future', promoted, 'not committed'],
    ['ours was cut off', 'aborted', promoted, 'not committed'],
    ['somebody else has the number now', 'in progress', promoted, 'not committed'],
    ['two promotions', 'committed', { ...promoted, timeline: 5 }, 'unknown'],
    ['it crashed after its promotion', 'committed', { ...promoted, streamed: false }, 'unknown'],
    ['it was started anew after its promotion', 'committed', { ...promoted, recoveredTo: undefined }, 'unknown'],
    ['the same one crashed', 'committed', { ...promoted, timeline: 3, streamed: false }, 'unknown'],
    [
      'the same one crashed before ours was on disk',
      'committed',
      { ...promoted, timeline: 3, streamed: false, recoveredTo: 10n },
      'not committed',
    ],
    ['a standby knows nothing', 'committed', { ...promoted, inRecovery: true }, 'unknown'],
  ] as const)('another life: $0', (_what, status, life, expected) => {
    expect(decideOutcome(trace, status, life)).toBe(expected);
  });
});

function databaseError(code: string): pg.DatabaseError {
  const error = new pg.DatabaseError('of a test', 0, 'error');
  error.code = code;
  return error;
}

describe('judgeBreak', () => {
  const silent: Progress = {
    endSent: true,
    endAnswered: false,
    statementsAnswered: false,
    error: undefined,
    transactionId: undefined,
  };
  const write = { access: 'read write' } as const;

  test.each([
    ['a write that nobody knows of', write, {}, 'unknown'],
    ['its number is known', write, { statementsAnswered: true, transactionId: '7' }, 'find out'],
    ['it has written nothing', write, { statementsAnswered: true, transactionId: null }, 'run again'],
    ['COMMIT was answered', write, { endAnswered: true }, 'done'],
    ['COMMIT was not sent', write, { endSent: false }, 'run again'],
    ['a read', { access: 'read only' }, {}, 'run again'],
    ['a rehearsal', { ...write, end: 'rollback' }, {}, 'run again'],
    ['it may be repeated', { ...write, repeatable: true }, {}, 'run again'],
    ['a statement was refused', write, { error: databaseError('23505') }, 'refused'],
    ['the server gave up before COMMIT', write, { error: databaseError('57P01') }, 'run again'],
    ['the server gave up in COMMIT', write, { error: databaseError('57P01'), statementsAnswered: true }, 'unknown'],
  ] as const)('%s: %j', (_what, options, progress, expected) => {
    expect(judgeBreak(options, { ...silent, ...progress })).toBe(expected);
  });
});

test('parseLsn reads what PostgreSQL writes', () => {
  expect(parseLsn('16/B374D848')).toBe(0x16b374d848n);
  expect(parseLsn('0/0')).toBe(0n);
});

test.each<[unknown, unknown]>([
  [null, null],
  [undefined, null],
  [7, '7'],
  [true, 'true'],
  [{ a: 1 }, '{"a":1}'],
  [['a', 'b"c\\', null, [1, 2]], '{"a","b\\"c\\\\",NULL,{"1","2"}}'],
  [new Date(0), '1970-01-01T00:00:00.000Z'],
  [new Uint8Array([1, 2]), Buffer.from([1, 2])],
  [[Buffer.from([255])], '{"\\\\xff"}'],
])('encodeValue, %#', (value, expected) => {
  expect(encodeValue(value)).toEqual(expected);
});

test('PreparedStatements forgets the one that was used least recently', () => {
  const prepared = new PreparedStatements(2);
  for (const name of ['a', 'b']) {
    expect(prepared.makeRoom(name)).toEqual([]);
    prepared.add(name, name);
  }
  expect(prepared.has('a')).toBe(true);
  expect(prepared.makeRoom('c')).toEqual(['b']);
  expect(prepared.has('b')).toBe(false);
  expect(prepared.makeRoom('')).toEqual([]);
});
