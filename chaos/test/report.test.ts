import { describe, expect, it } from 'vitest';
import { checkHistory } from '../src/check-history.js';
import { type History, historyOf } from '../src/history/operations.js';
import type { EventRecord, HistoryRecord, WorkloadName } from '../src/history/records.js';
import { measureHistory, summarize } from '../src/report/measure-history.js';
import { renderReport } from '../src/report/render-report.js';
import { renderVerdictText, verdictJson } from '../src/report/render-verdict.js';
import { duration } from '../src/report/words.js';
import { describeWorkload } from '../src/workloads/start-workload.js';

const second = 1_000_000;

interface Run {
  /** Seconds of each acknowledged insert. */
  readonly acknowledged: readonly number[];
  readonly events?: readonly EventRecord[];
  readonly lost?: readonly number[];
  readonly workloads?: readonly WorkloadName[];
  readonly seed?: string;
}

/** Inserts that take a millisecond each, and a final read that lacks the lost ones. */
function historyWith({ acknowledged, events = [], lost = [], workloads = ['set'], seed = 'seed-1' }: Run): History {
  const base = { process: 0, workload: 'set', action: 'add' } as const;
  const server = { member: '127.0.0.1:5432', timeline: 1 };
  const records: HistoryRecord[] = acknowledged.flatMap((time, value): HistoryRecord[] => [
    { type: 'invoke', time: Math.round(time * second) - 1000, ...base, port: 'rw', value },
    { type: 'ok', time: Math.round(time * second), ...base, value, server },
  ]);
  const end = ((acknowledged.at(-1) ?? 0) + 100) * second;
  const elements = acknowledged.map((_, value) => value).filter((value) => !lost.includes(value));
  return historyOf([
    {
      ...{ type: 'header', format: 'holdfast-history', version: 1, startedAt: '2026-01-02T03:04:05.678Z', seed },
      members: { '127.0.0.1:5432': 'pg1' },
      workloads: workloads.map((name) => describeWorkload(name)),
    } as HistoryRecord,
    ...[...records, ...events].sort(
      (left, right) => ('time' in left ? left.time : 0) - ('time' in right ? right.time : 0),
    ),
    { type: 'invoke', time: end, ...base, action: 'final-read', port: 'rw', value: null },
    { type: 'ok', time: end + 1, ...base, action: 'final-read', value: elements },
  ]);
}

const fault = (phase: 'begin' | 'end', at: number, name: string): EventRecord => ({
  type: 'event',
  event: 'fault',
  phase,
  time: at * second,
  name,
});
const every = (from: number, to: number, step = 0.01) =>
  Array.from({ length: Math.round((to - from) / step) }, (_, place) => from + place * step);
const meta = { historyPath: 'runs/history.ndjson', replayCommand: 'holdfast chaos --seed seed-1' };
const render = (run: Run) => {
  const history = historyWith(run);
  return renderReport(history, checkHistory(history), meta);
};

describe('measureHistory', () => {
  const gapsOf = (run: Run) =>
    measureHistory(historyWith(run)).faults.map(({ name, gap }) => [
      name,
      Math.round((gap.end - gap.begin) / 10_000) / 100,
    ]);

  it('puts each gap down to the fault that caused it', () => {
    const events = [
      fault('begin', 2, 'kill'),
      fault('end', 2.1, 'kill'),
      fault('begin', 6, 'freeze'),
      fault('end', 9, 'freeze'),
    ];
    const acknowledged = [...every(1, 2), ...every(3, 6), ...every(8, 10)];
    expect(gapsOf({ acknowledged, events })).toEqual([
      ['kill', 1.01],
      ['freeze', 2.01],
    ]);
  });

  it('gives a fault within another one’s gap only what was left', () => {
    const events = [
      fault('begin', 2, 'partition'),
      fault('end', 8, 'partition'),
      fault('begin', 3, 'jump'),
      fault('end', 3.5, 'jump'),
    ];
    // The last answer comes just after the partition.
    const acknowledged = [...every(1, 2.05), ...every(4, 9)];
    expect(gapsOf({ acknowledged, events })).toEqual([
      ['partition', 1.96],
      ['jump', 1],
    ]);
  });

  it('counts the silence at the end of a run, and none where all goes well', () => {
    const history = historyWith({ acknowledged: every(1, 2) });
    const { longestGap, gaps, run, writeLatency } = measureHistory(history);
    expect(longestGap.end - longestGap.begin).toBe(10_000);
    expect(gaps).toEqual([]);
    expect(run).toEqual({ begin: 999_000, end: 1_990_000 });
    expect(writeLatency).toEqual({ median: 1000, p99: 1000, max: 1000 });
    const silent = { ...history.operations[0], outcome: 'info', invoked: 2 * second, completed: 7 * second } as const;
    const ended = measureHistory({ ...history, operations: [...history.operations.slice(0, -1), silent as never] });
    expect(Math.round((ended.longestGap.end - ended.longestGap.begin) / second)).toBe(5);
  });

  it('knows percentiles', () => {
    expect(summarize(Array.from({ length: 100 }, (_, index) => 100 - index))).toEqual({
      median: 50,
      p99: 99,
      max: 100,
    });
    expect(summarize([])).toEqual({ median: 0, p99: 0, max: 0 });
  });
});

describe('renderReport', () => {
  it('says the verdict first, then how to run it again', () => {
    const good = render({ acknowledged: every(1, 3), events: [fault('begin', 2, 'kill')] });
    expect(good).toMatch(/<h1>Every promise was kept<\/h1>/);
    expect(good).toContain('holdfast chaos --seed seed-1');
    expect(good).toContain('holdfast chaos check runs/history.ndjson');
    expect(good).not.toContain('What went wrong');
    const bad = render({ acknowledged: every(1, 3), lost: [17] });
    expect(bad).toMatch(/<h1>Broken: 1 promise<\/h1>/);
    expect(bad).toContain('17 was acknowledged and is not in the final read.');
    expect(bad).toContain('pg1 timeline 1');
    expect(bad.indexOf('<h1>')).toBeLessThan(bad.indexOf('<svg'));
  });

  it('needs nothing from outside and runs nothing', () => {
    const page = render({ acknowledged: every(1, 3) });
    expect(page).not.toMatch(/<script|<link|<img|<iframe|src=|href=|url\(|@import|https?:/i);
  });

  it('escapes whatever the history says', () => {
    const evil = '"><script>alert(1)</script>';
    const events: readonly EventRecord[] = [
      { ...fault('begin', 1.5, evil), targets: [evil], details: { evil } },
      { type: 'event', event: 'route', phase: 'at', time: 1.6 * second, name: evil, targets: [evil] },
    ];
    const page = render({ acknowledged: every(1, 3), lost: [1], events, seed: evil });
    expect(page).not.toMatch(/<script/i);
    expect(page).toContain('&lt;script&gt;');
  });

  it('stays small however long the run was', () => {
    const many = Array.from({ length: 600 }, (_, place) => fault('begin', 10 + place, 'kill'));
    const page = render({ acknowledged: every(1, 2000), events: many, lost: every(0, 1000, 1) });
    expect(page.length).toBeLessThan(1_500_000);
  });

  it('can show a run in which nothing happened', () => {
    expect(render({ acknowledged: [] })).toContain('<svg');
    expect(render({ acknowledged: [1] })).not.toMatch(/NaN|Infinity|undefined/);
  });
});

describe('the verdict in other forms', () => {
  const history = historyWith({ acknowledged: every(1, 3), lost: [3], events: [fault('begin', 2, 'kill')] });
  const verdict = checkHistory(history);

  it('is text for a terminal', () => {
    const text = renderVerdictText(history, verdict);
    expect(text).toMatch(/^Verdict: INVALID\n {2}BROKEN {3}set: lost/);
    expect(text).toContain('set: lost: lost: 3 was acknowledged');
    expect(text).toContain('Seed: seed-1');
    expect(text).toMatch(/2\.000 s {2}kill: \d+ ms/);
  });

  it('is JSON that keeps everything', () => {
    const value = verdictJson(history, verdict);
    expect(JSON.parse(JSON.stringify(value))).toEqual(value);
    expect(value).toMatchObject({
      valid: false,
      seed: 'seed-1',
      measurements: { outcomes: { ok: 200, fail: 0, info: 0 } },
    });
  });

  it('is unknown when a workload of the header has no final read', () => {
    const other = historyWith({ acknowledged: every(1, 2), workloads: ['set', 'append', 'bank', 'register'] });
    const checked = checkHistory(other);
    expect(checked.valid).toBe('unknown');
    expect(renderReport(other, checked, meta)).toContain('Not known: append: lost');
    expect(renderVerdictText(other, checked)).toContain('Verdict: unknown');
  });
});

describe('duration', () => {
  it.each([
    [420, '0.4 ms'],
    [87_000, '87 ms'],
    [2_310_000, '2.31 s'],
    [45_600_000, '45.6 s'],
    [250_000_000, '4 min 10 s'],
  ])('%d µs is %s', (value, text) => expect(duration(value)).toBe(text));
});
