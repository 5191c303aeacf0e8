import { describe, expect, it } from 'vitest';
import { readArguments } from '../failover/arguments.js';
import { rows } from '../failover/rows.js';

const planned = (...argv: readonly string[]) =>
  Object.fromEntries(readArguments(argv).rows.map(({ row, rounds }) => [row.name, rounds]));

describe('readArguments', () => {
  it('takes every row, 30 rounds each', () => {
    const all = planned();
    expect(Object.keys(all)).toEqual(rows.map(({ name }) => name));
    expect(all.killed).toBe(30);
    expect(all['stock-frozen']).toBe(30);
    expect(all['pg_auto_failover-killed']).toBe(30);
  });

  it('has at least 200 faults of ours by default', () => {
    const ours = readArguments(['--peers', 'none']).rows;
    expect(ours.reduce((sum, { rounds }) => sum + rounds, 0)).toBeGreaterThanOrEqual(200);
  });

  it('takes the rows, rounds and peers that it is told', () => {
    expect(planned('--only', 'frozen,stock-killed', '--rounds', '7', '--peer-rounds', '2')).toEqual({
      frozen: 7,
      'stock-killed': 2,
    });
    expect(planned('--only', 'frozen,stock-killed', '--peers', 'none')).toEqual({ frozen: 30 });
    expect(planned('--only', 'stock-killed,pg_auto_failover-killed', '--peers', 'pg_auto_failover')).toEqual({
      'pg_auto_failover-killed': 30,
    });
    expect(planned('--only', 'floors')).toEqual({});
    expect(readArguments(['--only', 'killed']).floors).toBe(false);
    expect(readArguments([]).floors).toBe(true);
  });

  it('does one round of each with --quick', () => {
    expect(new Set(Object.values(planned('--quick', '--rounds', '9')))).toEqual(new Set([1]));
  });

  it.each([
    [['--rounds', '0'], '--rounds must be a whole number'],
    [['--peer-rounds', 'many'], '--peer-rounds must be a whole number'],
    [['--only', 'killed,burnt'], 'there is no row burnt'],
    [['--peers', 'repmgr'], 'there is no peer repmgr'],
    [['--round', '3'], "Unknown option '--round'"],
  ])('refuses %j', (argv, message) => expect(() => readArguments(argv)).toThrow(message));
});

describe('rows', () => {
  it('have names of their own, and those of one setting stand together, so that each is started once', () => {
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
    const changes = rows.filter(({ setting }, index) => setting !== rows[index - 1]?.setting);
    expect(changes.length).toBe(new Set(rows.map(({ setting }) => setting)).size);
  });
});
