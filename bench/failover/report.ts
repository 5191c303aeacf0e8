import type { Section } from '../section.js';
import { median, percentile, seconds } from '../statistics.js';
import { explainMiss, judgeRow, partMedians, sum } from './judge.js';
import { partNames, partWords } from './parts.js';
import { measuredOf, type RowResult } from './result.js';
import { isPeer, type Row, settingWords } from './rows.js';

const head = [
  'fault',
  'with',
  'rounds',
  'median',
  'p99',
  'max',
  'longest stall',
  'failed over / back in place / stayed',
  'errors',
  'lost',
  'target',
  '',
];

/** What is measured and what came out. Pure. */
export function renderGaps(results: readonly RowResult[], notMeasured: readonly string[]): Section {
  const missed = results.filter((result) => judgeRow(result).met === false);
  const own = results.filter(({ row }) => !isPeer(row.setting));
  const faults = sum(own.map(({ rounds }) => rounds.length));
  const lost = own.map((result) => result.lost);
  const unknown = lost.filter((count) => count === undefined).length;
  return {
    title: 'Failover: how long nothing is acknowledged',
    head,
    rows: [
      ...results.map(cells),
      ...(own.length === 0 ? [] : [totalCells(faults, sum(lost.map((count) => count ?? 0)), unknown > 0)]),
    ],
    notes: [
      'One client, a process of its own, inserts one row after the other through port 5000 (in the row that says so: 4 connections through 6543). It cuts a connection that is silent for 2 s and connects again 2 ms after an error. Each round: all healthy, the client writes, the fault at a random moment.',
      'The gap is from just before the first signal to the next acknowledgement of a write that was begun after the last signal; “longest stall” is the longest time in any round that a connection had no acknowledgement in, from the fault until all is healthy again, the old primary back included. For the standby, etcd and the switchover the first numbers are that stall, for two in a row the part of the gap after a standby streams from a primary again.',
      'Killed members are started again at once by Holdfast’s supervisor unless the row says otherwise. Frozen and cut off ones come back two seconds after writes are acknowledged again. Lost are acknowledged rows that are not there after the row’s last round. With 30 rounds p99 is the longest.',
      ...(results.some(({ row }) => row.setting === 'stock')
        ? [
            'Stock: Patroni ttl 30, loop_wait 10, retry_timeout 10, and HAProxy as in Patroni’s documentation (inter 3s fall 3 rise 2, connect 4s), synchronous mode `on`; Holdfast’s supervisor stands for systemd, and the launcher that shortens Patroni’s waits is there, too. The peers’ rows run all at once, with a cluster each.',
          ]
        : []),
      ...(results.some(({ row }) => row.setting === 'pg_auto_failover')
        ? [
            'pg_auto_failover: a monitor and three nodes with its defaults; the client goes through the hosts of its connection string as libpq does with target_session_attrs=read-write. Nobody starts a killed node again but the round’s end.',
          ]
        : []),
      ...results.filter(hasDoubleFaults).map(describeDoubleFaults),
      ...notMeasured.map((text) => `Not measured: ${text}.`),
      ...results.flatMap(({ row, problem }) => (problem === undefined ? [] : [`${row.name} ended early: ${problem}`])),
      ...missed.map((result) => `Missed: ${explainMiss(result)}`),
      ...(unknown === 0 ? [] : [`For ${unknown} rows nobody looked whether something was lost.`]),
    ],
    data: results.map(({ row, ...result }) => ({
      name: row.name,
      setting: row.setting,
      measure: row.measure,
      target: row.target,
      ...result,
      judgement: judgeRow({ row, ...result }),
    })),
  };
}

/** One row as Markdown, for while others are still being measured. Pure. */
export function renderOne(result: RowResult): string {
  const named = cells(result).map((cell, index) =>
    index < 3 || cell === '' ? cell : `${head[index] || 'target'} ${cell}`,
  );
  return named.filter((cell) => cell !== '').join(' · ');
}

function cells(result: RowResult): readonly string[] {
  const { row, rounds, planned, lost } = result;
  const values = measuredOf(result);
  const count = rounds.length === planned ? String(planned) : `${rounds.length} of ${planned}`;
  const { met, missed } = judgeRow(result);
  const measured =
    values.length === 0
      ? ['–', '–', '–', '–', '–', '–']
      : [
          seconds(median(values)),
          seconds(percentile(values, 0.99)),
          seconds(Math.max(...values)),
          seconds(Math.max(...rounds.map(({ longestMilliseconds }) => longestMilliseconds))),
          (['failed over', 'back in place', 'stayed'] as const)
            .map((outcome) => rounds.filter((round) => round.outcome === outcome).length)
            .join(' / '),
          String(sum(rounds.map(({ errors }) => errors))),
        ];
  const verdict = met === undefined ? '' : met ? 'met' : `missed: ${missed.join(', ')}`;
  return [
    row.title,
    settingWords[row.setting],
    count,
    ...measured,
    lost === undefined ? '?' : String(lost),
    targetText(row),
    verdict,
  ];
}

function totalCells(faults: number, lost: number, unsure: boolean): readonly string[] {
  const verdict =
    lost > 0 ? `missed: ${lost} lost` : unsure ? 'not all looked at' : faults >= 200 ? 'met' : 'not enough faults';
  return [
    'acknowledged writes lost, all faults',
    'Holdfast',
    String(faults),
    '',
    '',
    '',
    '',
    '',
    '',
    lost === 0 && unsure ? '?' : String(lost),
    '0 in ≥ 200',
    verdict,
  ];
}

function targetText({ target }: Row): string {
  return [
    ...(target.median === undefined ? [] : [`median ≤ ${seconds(target.median)}`]),
    ...(target.max === undefined ? [] : [`max ≤ ${seconds(target.max)}`]),
    ...(target.errors === undefined ? [] : [`${target.errors} errors`]),
  ].join(', ');
}

function hasDoubleFaults({ rounds }: RowResult): boolean {
  return rounds.some(({ afterStandbyMilliseconds }) => afterStandbyMilliseconds !== undefined);
}

function describeDoubleFaults({ row, rounds }: RowResult): string {
  const text = (values: readonly number[]) =>
    values.length === 0 ? 'unknown' : `median ${seconds(median(values))}, max ${seconds(Math.max(...values))}`;
  const gaps = rounds.map(({ gapMilliseconds }) => gapMilliseconds ?? Number.POSITIVE_INFINITY);
  const answered = rounds.flatMap(({ afterAnswerMilliseconds }) => afterAnswerMilliseconds ?? []);
  return `${row.title}: from the second fault to the next acknowledged write ${text(gaps)}; from a member answering as a standby to it ${text(answered)}.`;
}

/** Where the time goes, for the rows in which the primary changed. Undefined: nowhere. Pure. */
export function renderParts(results: readonly RowResult[]): Section | undefined {
  const rows = results.flatMap((result) => {
    const parts = new Map(partMedians(result).map(({ part, milliseconds }) => [part, milliseconds]));
    if (parts.size === 0) return [];
    const seen = result.rounds.filter(({ parts: each }) => each !== undefined).length;
    const cell = (milliseconds: number | undefined) => (milliseconds === undefined ? '' : seconds(milliseconds));
    return [
      [
        result.row.title,
        settingWords[result.row.setting],
        String(seen),
        ...partNames.map((part) => cell(parts.get(part))),
      ],
    ];
  });
  if (rows.length === 0) return undefined;
  return {
    title: 'Whose part of the gap is what (medians)',
    head: ['fault', 'with', 'rounds', ...partNames],
    rows,
    notes: partNames.map((part) => `${part}: ${partWords[part].whose}; ${partWords[part].from}.`),
    data: undefined,
  };
}
