import { describe, expect, it } from 'vitest';
import { type Failure, judgeCommit, judgeFailure } from '../src/workloads/judge-outcome.js';

const failure = (fields: Partial<Failure>): Failure => ({
  code: undefined,
  severity: undefined,
  message: '',
  phase: 'committing',
  readOnly: false,
  ...fields,
});

describe('judgeFailure', () => {
  it.each(['40001', '40P01', '25006', '23505', '57014', '25P02'])(
    'is certain when the server refuses a commit with %s',
    (code) => {
      expect(judgeFailure(failure({ code, severity: 'ERROR' }))).toBe('fail');
    },
  );

  it.each([
    ['a lost connection', {}],
    ['ECONNRESET', { code: 'ECONNRESET' }],
    ['silence', { code: 'silent' }],
    ['57P01, an ending server', { code: '57P01', severity: 'FATAL' }],
    ['57P02, a crash', { code: '57P02', severity: 'FATAL' }],
    ['57P03', { code: '57P03', severity: 'FATAL' }],
    ['08006 of a proxy', { code: '08006', severity: 'FATAL' }],
    ['an error of the server that is not known', { code: 'XX000', severity: 'ERROR' }],
    ['40001 that is not an ERROR', { code: '40001', severity: 'FATAL' }],
  ])('is unknown while the commit is under way: %s', (_, fields) => {
    expect(judgeFailure(failure(fields))).toBe('info');
    expect(judgeFailure(failure({ ...fields, phase: 'working' }))).toBe('fail');
    expect(judgeFailure(failure({ ...fields, readOnly: true }))).toBe('fail');
  });
});

describe('judgeCommit', () => {
  it('takes an answer as it is', () => {
    expect(judgeCommit({ command: 'COMMIT', warnings: [] }).outcome).toBe('ok');
    expect(judgeCommit({ command: 'INSERT', warnings: [] }).outcome).toBe('ok');
  });

  it('is not fooled by a COMMIT that was a ROLLBACK', () => {
    expect(judgeCommit({ command: 'ROLLBACK', warnings: [] }).outcome).toBe('fail');
  });

  it.each(['01000', '57P01'])('does not count a commit whose wait for the standby ended early (%s)', (code) => {
    expect(judgeCommit({ command: 'COMMIT', warnings: [code] }).outcome).toBe('info');
  });
});
