import fc from 'fast-check';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { restErrorOf } from '../../src/errors/database-error.js';
import { RestError } from '../../src/errors/rest-error.js';
import { statusOfSqlState } from '../../src/errors/sql-status.js';

function sqlError(code: string, message: string, more: { detail?: string; hint?: string } = {}): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError(message, message.length, 'error'), { code, ...more });
}

const answer = (error: unknown, authenticated = false): RestError => {
  const found = restErrorOf(error, authenticated);
  if (found === undefined) throw new Error('no answer');
  return found;
};

describe('an error of SQL', () => {
  test.each([
    ['08006', 503],
    ['09000', 500],
    ['0L000', 403],
    ['0P000', 403],
    ['22P02', 400],
    ['23502', 400],
    ['23503', 409],
    ['23505', 409],
    ['25006', 405],
    ['25001', 500],
    ['28000', 403],
    ['2D000', 500],
    ['38000', 500],
    ['40001', 500],
    ['42883', 404],
    ['42P01', 404],
    ['42P17', 500],
    ['42703', 400],
    ['53300', 503],
    ['53400', 500],
    ['54001', 500],
    ['57014', 500],
    ['57P01', 503],
    ['58000', 500],
    ['F0000', 500],
    ['HV000', 500],
    ['P0001', 400],
    ['P0002', 500],
    ['XX000', 500],
    ['21000', 500],
  ])('%s is status %i', (code, status) => {
    expect(statusOfSqlState(code, 'words', false)).toBe(status);
  });

  test('may have another status by its words', () => {
    expect(statusOfSqlState('21000', 'UPDATE requires a WHERE clause', false)).toBe(400);
    expect(statusOfSqlState('22023', 'role "x" does not exist', false)).toBe(401);
    expect(statusOfSqlState('22023', 'other words', false)).toBe(400);
    expect(statusOfSqlState('42883', 'function xmlagg(text) does not exist', false)).toBe(406);
  });

  test('keeps PostgreSQL’s words', () => {
    const { body, status } = answer(sqlError('23505', 'duplicate key', { detail: 'Key (k)=(1)', hint: 'no' }));
    expect(status).toBe(409);
    expect(body).toEqual({ code: '23505', message: 'duplicate key', details: 'Key (k)=(1)', hint: 'no' });
    expect(answer(sqlError('22012', 'division by zero')).body).toMatchObject({ details: null, hint: null });
  });

  test('of privileges asks for a token, or forbids who has one', () => {
    const error = sqlError('42501', 'permission denied for table t');
    expect(answer(error, false).status).toBe(401);
    expect(answer(error, false).headers).toContainEqual(['WWW-Authenticate', 'Bearer']);
    expect(answer(error, true).status).toBe(403);
    expect(answer(error, true).headers).toEqual([]);
  });

  test('PTnnn is that status, its message the reason', () => {
    const error = answer(sqlError('PT402', 'Payment Required', { detail: 'Quota exceeded', hint: 'Upgrade' }));
    expect(error).toMatchObject({ status: 402, code: 'PT402', statusText: 'Payment Required' });
    expect(answer(sqlError('PTabc', 'x')).status).toBe(500);
    expect(answer(sqlError('PT099', 'x')).status).toBe(500);
    expect(answer(sqlError('PT418', 'a\r\nX-Evil: 1')).statusText).toBeUndefined();
  });
});

describe('RAISE with PGRST', () => {
  const raised = (message: string, detail?: string) =>
    answer(sqlError('PGRST', message, detail === undefined ? {} : { detail }));

  test('decides the whole answer', () => {
    const error = raised(
      '{"code":"123","message":"ABC","details":"DEF","hint":"XYZ"}',
      '{"status":332,"status_text":"My Custom Status","headers":{"X-Header":"str"}}',
    );
    expect(error).toMatchObject({ status: 332, statusText: 'My Custom Status', headers: [['X-Header', 'str']] });
    expect(error.body).toEqual({ code: '123', message: 'ABC', details: 'DEF', hint: 'XYZ' });
    expect(raised('{"code":"1","message":"m"}', '{"status":400,"headers":{}}').body).toMatchObject({ details: null });
  });

  test.each([
    ['INVALID', '{"status":400,"headers":{}}', "Invalid JSON value for MESSAGE: 'INVALID'"],
    ['{"code":1}', '{"status":400,"headers":{}}', `Invalid JSON value for MESSAGE: '{"code":1}'`],
    ['{"code":"1","message":"m"}', undefined, 'DETAIL is missing in the RAISE statement'],
    ['{"code":"1","message":"m"}', 'INVALID', "Invalid JSON value for DETAIL: 'INVALID'"],
    [
      '{"code":"1","message":"m"}',
      '{"status":1,"headers":{}}',
      `Invalid JSON value for DETAIL: '{"status":1,"headers":{}}'`,
    ],
    [
      '{"code":"1","message":"m"}',
      '{"status":400,"headers":{"A":"b\\r\\nC: d"}}',
      `Invalid JSON value for DETAIL: '{"status":400,"headers":{"A":"b\\r\\nC: d"}}'`,
    ],
  ])('that is not as agreed is PGRST121: %s %s', (message, detail, details) => {
    const error = raised(message, detail);
    expect([error.status, error.code, error.details]).toEqual([500, 'PGRST121', details]);
  });

  test('may hold any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), fc.oneof(fc.string(), fc.json()), (message, detail) => {
        const { status } = raised(message, detail);
        expect(status).toBeGreaterThanOrEqual(200);
      }),
    );
  });
});

describe('a database that is away', () => {
  const coded = (code: string) => Object.assign(new Error('x'), { code });

  test.each(['HF_POSTGRES_UNAVAILABLE', 'HF_POSTGRES_OUTCOME_UNKNOWN', 'HF_POSTGRES_UNREACHABLE'])(
    '%s is 503 that says when to ask again',
    (code) => {
      const error = answer(coded(code));
      expect(error.status).toBe(503);
      expect(error.headers).toContainEqual(['Retry-After', '1']);
    },
  );

  test('is nothing else', () => {
    expect(restErrorOf(new Error('a fault of ours'), false)).toBeUndefined();
    expect(restErrorOf(undefined, false)).toBeUndefined();
  });
});

test('an answer that was decided stays', () => {
  const error = new RestError({ status: 418, code: 'X', message: 'm' });
  expect(restErrorOf(error, true)).toBe(error);
});
