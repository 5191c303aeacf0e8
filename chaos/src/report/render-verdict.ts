import type { Anomaly, Check, Validity, Verdict, Witness } from '../checkers/verdict.js';
import type { History } from '../history/operations.js';
import type { HeaderRecord } from '../history/records.js';
import { measureHistory } from './measure-history.js';
import { count, duration, escapeHtml, memberName, moment, plural } from './words.js';

const edgeWords: Readonly<Record<string, string>> = {
  ww: 'wrote before',
  wr: 'was read by',
  rw: 'did not see',
  rt: 'ended before',
};

/** The anomalies of every broken promise, each with its witnesses. */
export function renderAnomalies({ checks }: Verdict, header: HeaderRecord): string {
  const broken = checks.filter(({ anomalyCount }) => anomalyCount > 0);
  if (broken.length === 0) return '';
  return `<h2>What went wrong</h2>${broken.map((check) => renderBroken(check, header)).join('')}`;
}

function renderBroken(check: Check, header: HeaderRecord): string {
  const { name, promise, anomalies, anomalyCount } = check;
  const more =
    anomalyCount > anomalies.length
      ? `<p class="dim">The first ${anomalies.length} of ${count(anomalyCount)}.</p>`
      : '';
  const shown = anomalies.map(
    (anomaly, place) =>
      `<details${place < 3 ? ' open' : ''} class="card wrong"><summary><b>${escapeHtml(anomaly.name)}</b>: ${escapeHtml(nameMembers(anomaly.message, header))}</summary>${renderWitnesses(anomaly, header)}</details>`,
  );
  return `<h3>${escapeHtml(name)} <span class="no">broken</span></h3><p class="dim">Promised: ${escapeHtml(promise)}</p>${shown.join('')}${more}`;
}

function renderWitnesses({ witnesses }: Anomaly, header: HeaderRecord): string {
  const items = witnesses.map((each, place) => {
    const last = place === witnesses.length - 1;
    const edge =
      each.edge === undefined
        ? ''
        : `<br><span class="kind">${escapeHtml(each.edge)}</span> <span class="dim">${escapeHtml(edgeWords[each.edge] ?? '')} ${last ? 'the first' : 'the next'}</span>`;
    const note = each.note === undefined ? '' : ` <i>${escapeHtml(each.note)}</i>`;
    return `<li><b>${escapeHtml(each.operation.action)}</b> ${outcomeWord(each.operation.outcome)}${note}${edge}<br><code>${escapeHtml(each.operation.value)}</code><br><span class="dim">${escapeHtml(placeOf(each, header))}</span></li>`;
  });
  return `<ol class="steps">${items.join('')}</ol>`;
}

function placeOf({ operation }: Witness, header: HeaderRecord): string {
  const { index, process, invoked, completed, port, server, error } = operation;
  const end = completed === null ? 'never answered' : `to ${moment(completed)}`;
  return [
    `operation ${index}`,
    `client ${process}`,
    `${moment(invoked)} ${end}`,
    port === 'ro' ? 'read-only port' : 'read-write port',
    ...(server === undefined ? [] : [nameMembers(server, header)]),
    ...(error === undefined ? [] : [error]),
  ].join(' · ');
}

function outcomeWord(outcome: string): string {
  if (outcome === 'ok') return '<span class="yes">acknowledged</span>';
  return outcome === 'fail' ? '<span class="no">failed</span>' : '<span class="maybe">unknown</span>';
}

/** Every check with what it counted. */
export function renderChecks({ checks }: Verdict): string {
  const rows = checks.map((check) => {
    const [tone, word] = validityWord(check.valid);
    const counts = Object.entries(check.counts).map(([name, value]) => `${name} ${count(value)}`);
    const found = check.anomalyCount > 0 ? [plural(check.anomalyCount, 'anomaly', 'anomalies')] : [];
    const details = [...found, ...counts, ...(check.note === undefined ? [] : [check.note])].join(' · ');
    return `<tr><td><span class="${tone}">${word}</span></td><td class="whole"><b>${escapeHtml(check.name)}</b> ${escapeHtml(check.promise)}<br><span class="dim">${escapeHtml(details)}</span></td></tr>`;
  });
  return `<table class="checks"><tbody>${rows.join('')}</tbody></table>`;
}

function validityWord(valid: Validity): readonly [string, string] {
  if (valid === true) return ['yes', 'kept'];
  return valid === false ? ['no', 'broken'] : ['maybe', 'not known'];
}

/** Addresses of members as their names, where the header knows them. */
function nameMembers(text: string, header: HeaderRecord): string {
  return Object.keys(header.members ?? {}).reduce(
    (named, address) => named.replaceAll(address, memberName(address, header)),
    text,
  );
}

/** The verdict for a terminal: one line a check, then the anomalies; no colours. */
export function renderVerdictText(history: History, verdict: Verdict): string {
  const { outcomes, writeLatency, longestGap, faults } = measureHistory(history);
  const lines = verdict.checks.map(({ name, valid, promise, note, anomalyCount }) => {
    const word = { true: 'kept   ', false: 'BROKEN ', unknown: 'unknown' }[
      String(valid) as 'true' | 'false' | 'unknown'
    ];
    const more = [
      ...(anomalyCount > 0 ? [plural(anomalyCount, 'anomaly', 'anomalies')] : []),
      ...(note === undefined ? [] : [note]),
    ];
    return `  ${word}  ${name.padEnd(24)} ${promise}${more.length === 0 ? '' : ` (${more.join('; ')})`}`;
  });
  const anomalies = verdict.checks.flatMap((check) =>
    check.anomalies
      .slice(0, 3)
      .flatMap(({ name, message, witnesses }) => [
        '',
        `${check.name}: ${name}: ${nameMembers(message, history.header)}`,
        ...witnesses.map(
          (each) =>
            `  ${each.edge === undefined ? '' : `${each.edge} `}${each.operation.action} ${each.operation.outcome} ${each.operation.value}${each.note === undefined ? '' : ` (${each.note})`}\n    ${placeOf(each, history.header)}`,
        ),
      ]),
  );
  const perFault = faults.map(
    ({ name, targets, gap, begin }) =>
      `  ${moment(begin).padStart(10)}  ${[name, ...targets].join(' ')}: ${duration(gap.end - gap.begin)}`,
  );
  return [
    `Verdict: ${{ true: 'valid', false: 'INVALID', unknown: 'unknown' }[String(verdict.valid) as 'true' | 'false' | 'unknown']}`,
    ...lines,
    ...anomalies,
    '',
    `Operations: ${outcomes.ok} acknowledged, ${outcomes.fail} failed for certain, ${outcomes.info} unknown`,
    `Write latency: median ${duration(writeLatency.median)}, 99 % ${duration(writeLatency.p99)}, maximum ${duration(writeLatency.max)}`,
    `Longest gap: ${duration(longestGap.end - longestGap.begin)}`,
    ...(perFault.length === 0 ? [] : ['Gap after each fault:', ...perFault]),
    `Seed: ${history.header.seed}`,
    '',
  ].join('\n');
}

/** What programs read: the verdict, and the measurements without the single operations. Microseconds. */
export function verdictJson(history: History, verdict: Verdict): Readonly<Record<string, unknown>> {
  const { writes: _, ...measurements } = measureHistory(history);
  return {
    ...verdict,
    seed: history.header.seed,
    startedAt: history.header.startedAt,
    truncated: history.truncated,
    measurements,
  };
}
