import type { Verdict } from '../checkers/verdict.js';
import type { History } from '../history/operations.js';
import { type Measurements, measureHistory } from './measure-history.js';
import { pageStyle } from './page-style.js';
import { renderAnomalies, renderChecks } from './render-verdict.js';
import { renderTimeline } from './timeline.js';
import { count, duration, escapeHtml, memberName, moment, plural } from './words.js';

export interface ReportMeta {
  /** Where the history is, as the reader should type it. */
  readonly historyPath: string;
  /** Runs the same again. */
  readonly replayCommand?: string;
  /** Default: `holdfast chaos check` with the history's path. */
  readonly checkCommand?: string;
  readonly title?: string;
  /** What the reader should know besides. */
  readonly notes?: readonly string[];
}

const widths = { wide: 1118, narrow: 366 };
/** Rows of the table of changes; more would be no help, and the history has them all. */
const mostChanges = 200;

/**
 * The report of a run: one HTML file that needs nothing else. Everything from the history is escaped. Its size is bounded whatever the
 * history's: the pictures are drawn in slices of time, anomalies are the first ones of each check.
 */
export function renderReport(history: History, verdict: Verdict, meta: ReportMeta): string {
  const measurements = measureHistory(history);
  const title = meta.title ?? `Chaos: ${history.header.cluster ?? history.header.seed}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(`${headline(verdict)} · ${title}`)}</title><style>${pageStyle}</style></head><body><main>
${renderHead(history, verdict, measurements, title)}
${renderFacts(measurements)}
<h2>Run it again</h2>
<div class="card"><p>Seed <code>${escapeHtml(history.header.seed)}</code></p>${meta.replayCommand === undefined ? '' : `<pre><code>${escapeHtml(meta.replayCommand)}</code></pre>`}
<p class="dim">The same seed attempts the same operations and the same faults; what the machine makes of them can differ.</p></div>
<h2>Timeline</h2>
${renderPicture(history, measurements)}
${renderAnomalies(verdict, history.header)}
<h2>What was checked</h2>
${renderChecks(verdict)}
<h2>Faults, and the gap each caused</h2>
${renderFaults(measurements)}
<h2>Operations</h2>
${renderOperations(history, measurements)}
${renderChanges(history)}
<h2>Check it again</h2>
<div class="card"><p>The history: <code>${escapeHtml(meta.historyPath)}</code></p>
<pre><code>${escapeHtml(meta.checkCommand ?? `holdfast chaos check ${meta.historyPath}`)}</code></pre></div>
<footer>${(meta.notes ?? []).map((note) => `<p>${escapeHtml(note)}</p>`).join('')}
<p>A gap is a time in which no client was acknowledged a write. An operation of unknown fate (unknown) got no answer to its commit: it may have happened or not, and either is right.</p></footer>
</main></body></html>
`;
}

/** The verdict in a few words. */
export function headline({ valid, checks }: Verdict): string {
  if (valid === true) return 'Every promise was kept';
  if (valid === 'unknown') return 'No promise was seen broken, and not all could be checked';
  return `Broken: ${plural(checks.filter((check) => check.valid === false).length, 'promise', 'promises')}`;
}

function renderHead(
  { header, truncated }: History,
  verdict: Verdict,
  { faults, run }: Measurements,
  title: string,
): string {
  const tone = verdict.valid === true ? 'good' : verdict.valid === false ? 'bad' : 'open';
  const broken = verdict.checks.filter(({ valid }) => valid === false).map(({ name }) => name);
  const unknown = verdict.checks.filter(({ valid }) => valid === 'unknown').map(({ name }) => name);
  const facts = [
    plural(faults.length, 'fault', 'faults'),
    `${duration(run.end - run.begin)} of work`,
    ...(header.cluster === undefined ? [] : [`cluster ${header.cluster}`]),
    ...(header.synchronousMode === undefined ? [] : [`synchronous mode ${header.synchronousMode}`]),
    header.workloads.map(({ name, isolation }) => `${name} (${isolation})`).join(', '),
    header.startedAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC'),
  ];
  return `<section class="verdict ${tone}"><h1>${escapeHtml(headline(verdict))}</h1>
${broken.length === 0 ? '' : `<p><b>${escapeHtml(broken.join(', '))}</b></p>`}
${unknown.length === 0 ? '' : `<p>Not known: ${escapeHtml(unknown.join(', '))}</p>`}
${truncated ? '<p>The history was cut off: its last line is incomplete.</p>' : ''}
<p>${escapeHtml(title)} · ${escapeHtml(facts.join(' · '))}</p></section>`;
}

function renderFacts({ outcomes, writeLatency, longestGap, faults, reigns }: Measurements): string {
  const primaries = new Set(reigns.map(({ member, timeline }) => `${member}/${timeline}`));
  const facts: readonly (readonly [string, string])[] = [
    [duration(longestGap.end - longestGap.begin), 'longest gap'],
    [count(faults.length), 'faults'],
    [count(Math.max(0, primaries.size - 1)), 'changes of the primary'],
    [count(outcomes.ok), 'acknowledged'],
    [count(outcomes.fail), 'failed for certain'],
    [count(outcomes.info), 'unknown'],
    [duration(writeLatency.median), 'write latency, median'],
    [duration(writeLatency.p99), 'write latency, 99 %'],
    [duration(writeLatency.max), 'write latency, maximum'],
  ];
  return `<section class="facts">${facts.map(([value, name]) => `<div class="fact"><b>${value}</b><span>${name}</span></div>`).join('')}</section>`;
}

function renderPicture(history: History, measurements: Measurements): string {
  const { header, events, operations } = history;
  const unacknowledged = operations
    .filter(({ outcome, action }) => outcome !== 'ok' && action !== 'final-read')
    .map(({ completed, invoked }) => (Number.isFinite(completed) ? completed : invoked));
  const input = { header, measurements, events, unacknowledged };
  return `<div class="card picture"><div class="wide">${renderTimeline(input, widths.wide)}</div><div class="narrow">${renderTimeline(input, widths.narrow)}</div></div>`;
}

function renderFaults({ faults }: Measurements): string {
  if (faults.length === 0) return '<p class="dim">None: this run shows what the cluster does by itself.</p>';
  const rows = faults.map((fault) => {
    const what = [...fault.targets, ...(fault.details === undefined ? [] : [JSON.stringify(fault.details)])].join(' ');
    const lasted = fault.open
      ? 'to the end'
      : fault.end === fault.begin
        ? 'at once'
        : duration(fault.end - fault.begin);
    return `<tr><td class="whole"><b>${escapeHtml(fault.name)}</b> <span class="mono dim">${escapeHtml(what)}</span></td>${cell('Began', moment(fault.begin))}${cell('Lasted', lasted)}${cell('Gap', duration(fault.gap.end - fault.gap.begin))}</tr>`;
  });
  return `<table class="stack"><thead><tr><th>Fault</th><th class="number">Began</th><th class="number">Lasted</th><th class="number">Gap</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function renderOperations({ header }: History, { workloads }: Measurements): string {
  const rows = workloads.map(({ name, ok, fail, info, latency }) => {
    const description = header.workloads.find((each) => each.name === name);
    const size =
      description === undefined
        ? ''
        : `${description.clients} clients, ${description.rate}/s each, ${description.isolation}`;
    return `<tr><td class="whole"><b>${escapeHtml(name)}</b> <span class="dim">${escapeHtml(size)}</span></td>${cell('Acknowledged', count(ok))}${cell('Failed', count(fail))}${cell('Unknown', count(info))}${cell('Median', duration(latency.median))}${cell('99 %', duration(latency.p99))}${cell('Maximum', duration(latency.max))}</tr>`;
  });
  const heads = ['Acknowledged', 'Failed', 'Unknown', 'Median', '99 %', 'Maximum'];
  return `<table class="stack"><thead><tr><th>Workload</th>${heads.map((head) => `<th class="number">${head}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function renderChanges({ header, events }: History): string {
  const changes = events.filter(({ event }) => event !== 'fault');
  if (changes.length === 0) return '';
  const rows = changes.slice(0, mostChanges).map(({ time, event, name, targets = [], details }) => {
    const what = [
      ...targets.map((target) => memberName(target, header)),
      ...(details === undefined ? [] : [JSON.stringify(details)]),
    ];
    return `<tr><td class="number">${moment(time)}</td><td>${escapeHtml(event)}</td><td>${escapeHtml(name)} <span class="mono dim">${escapeHtml(what.join(' '))}</span></td></tr>`;
  });
  const more =
    changes.length > mostChanges ? `<p class="dim">The first ${mostChanges} of ${count(changes.length)}.</p>` : '';
  return `<h2>Changes of the route and of the primary</h2><details class="card"><summary>${plural(changes.length, 'change', 'changes')}</summary><table><tbody>${rows.join('')}</tbody></table>${more}</details>`;
}

function cell(label: string, value: string): string {
  return `<td class="number" data-label="${escapeHtml(label)}">${escapeHtml(value)}</td>`;
}
