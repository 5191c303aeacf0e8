import { describe, expect, it } from 'vitest';
import { explainMiss, judgeRow } from '../failover/judge.js';
import { renderGaps, renderParts } from '../failover/report.js';
import type { RoundResult, RowResult } from '../failover/result.js';
import { type Row, rows } from '../failover/rows.js';
import { TimeLeft } from '../failover/time-left.js';
import { renderSection } from '../section.js';

function rowOf(name: string): Row {
  const row = rows.find((each) => each.name === name);
  if (row === undefined) throw new Error(name);
  return row;
}

function round(gapMilliseconds: number | undefined, more: Partial<RoundResult> = {}): RoundResult {
  return {
    victims: ['pg1'],
    gapMilliseconds,
    longestMilliseconds: gapMilliseconds ?? 120_000,
    errors: 1,
    outcome: 'failed over',
    servers: ['pg2'],
    acknowledged: 1000,
    ...more,
  };
}

function result(name: string, rounds: readonly RoundResult[], more: Partial<RowResult> = {}): RowResult {
  return { row: rowOf(name), planned: rounds.length, rounds, lost: 0, acknowledged: 3000, ...more };
}

describe('judgeRow', () => {
  it('compares the median and the largest with the target', () => {
    expect(judgeRow(result('killed', [round(400), round(450), round(900)]))).toEqual({ met: true, missed: [] });
    expect(judgeRow(result('killed', [round(400), round(460), round(1200)]))).toEqual({
      met: false,
      missed: ['median 0.46 s', 'max 1.20 s'],
    });
  });

  it('misses when writes never came back, were lost, or rounds are missing', () => {
    expect(judgeRow(result('killed', [round(300), round(300), round(undefined)])).missed).toEqual(['max never']);
    expect(judgeRow(result('killed', [round(300)], { lost: 2 })).missed).toEqual(['2 writes lost']);
    expect(judgeRow(result('killed', [round(300)], { planned: 3, problem: 'x' })).missed).toEqual([
      'only 1 of 3 rounds',
    ]);
  });

  it('measures the stall of a standby that is gone, and the part after a standby is there of two in a row', () => {
    const stalls = [round(1, { longestMilliseconds: 900 }), round(1, { longestMilliseconds: 1100 })];
    expect(judgeRow(result('standby-killed', stalls)).missed).toEqual(['max 1.10 s']);
    const twice = [round(9000, { afterStandbyMilliseconds: 1900 }), round(9000, { afterStandbyMilliseconds: 2100 })];
    expect(judgeRow(result('twice', twice)).missed).toEqual(['max 2.10 s']);
  });

  it('counts the errors of a switchover', () => {
    expect(judgeRow(result('switchover', [round(10, { errors: 0 })])).met).toBe(true);
    expect(judgeRow(result('switchover', [round(10, { errors: 1 }), round(10, { errors: 2 })])).missed).toEqual([
      '3 errors',
    ]);
  });

  it('has no opinion where there is no target', () => {
    expect(judgeRow(result('stock-killed', [round(30_000)])).met).toBeUndefined();
  });
});

describe('explainMiss', () => {
  it('names the parts, the largest first, and what less of it would take', () => {
    const parts = { detect: 500, seal: 20, call: 30, promote: 150, route: 80, write: 20 };
    const text = explainMiss(result('killed', [round(800, { parts })]));
    expect(text).toContain('median 0.80 s');
    expect(text).toContain('agents 0.50 s (detect), PostgreSQL 0.15 s (promote)');
    expect(text).toContain('failover.silence');
  });

  it('says that the primary came back in place', () => {
    const inPlace = round(3000, { outcome: 'back in place' });
    expect(explainMiss(result('postgres-killed', [inPlace]))).toContain(
      'In 1 of 1 rounds the primary came back in place',
    );
  });
});

describe('tables', () => {
  it('show each row with its target, and all faults together', () => {
    const text = renderSection(renderGaps([result('killed', [round(400), round(500)], { lost: 3 })], ['cut, no root']));
    expect(text).toContain(
      '| every process of the primary’s member killed | Holdfast, mode `on` | 2 | 0.45 s | 0.50 s | 0.50 s |',
    );
    expect(text).toContain('| 2 / 0 / 0 | 2 | 3 | median ≤ 0.45 s, max ≤ 1.00 s | missed: 3 writes lost |');
    expect(text).toContain('missed: 3 lost');
    expect(text).toContain('- Not measured: cut, no root.');
  });

  it('never say that nothing was lost where nobody looked', () => {
    const text = renderSection(renderGaps([result('killed', [round(400)], { lost: undefined })], []));
    expect(text).toContain('| ? |');
    expect(text).toContain('For 1 rows nobody looked');
  });

  it('show the parts of those rows that have some', () => {
    expect(renderParts([result('killed', [round(400)])])).toBeUndefined();
    const section = renderParts([result('killed', [round(400, { parts: { detect: 100, lock: 300 } }), round(400)])]);
    expect(section?.rows).toEqual([
      [rowOf('killed').title, 'Holdfast, mode `on`', '1', '0.10 s', '', '0.30 s', '', '', '', ''],
    ]);
  });
});

describe('TimeLeft', () => {
  it('guesses first, then knows from the rounds that were', () => {
    const [killed, twice] = [rowOf('killed'), rowOf('twice')];
    const inTurn = [
      { row: killed, rounds: 4 },
      { row: twice, rounds: 2 },
    ];
    const left = new TimeLeft(inTurn, []);
    expect(left.seconds()).toBe(4 * killed.secondsARound + 2 * twice.secondsARound);
    left.add(killed, 10);
    left.add(killed, 20);
    expect(left.seconds()).toBe(2 * 15 + 2 * twice.secondsARound);
    left.close(killed);
    expect(left.seconds()).toBe(2 * twice.secondsARound);
  });

  it('counts the longest of those that run at once', () => {
    const [killed, down] = [rowOf('stock-killed'), rowOf('stock-killed-down')];
    const atOnce = [killed, down].map((row) => ({ row, rounds: 2 }));
    const left = new TimeLeft([], atOnce);
    expect(left.seconds()).toBe(2 * down.secondsARound);
    left.close(down);
    expect(left.seconds()).toBe(2 * killed.secondsARound);
  });
});
