import type { ToolSearch } from '@holdfast/runtime';
import { describeMachine, renderMachine } from '../machine.js';
import { renderSection, type Section } from '../section.js';
import type { FailoverArguments } from './arguments.js';
import { renderGaps, renderParts } from './report.js';
import type { RoundResult, RowResult } from './result.js';
import { type Row, rows } from './rows.js';
import { peerVersions } from './settings.js';

export interface UnfinishedRow {
  readonly row: Row;
  readonly planned: number;
  readonly rounds: readonly RoundResult[];
}

/** What was found so far. */
export interface Findings {
  readonly results: RowResult[];
  /** What could not be measured, and why. */
  readonly notMeasured: string[];
  /** Something broke; what is merely not there on this machine does not count. */
  broken: boolean;
  floors: Section | undefined;
  /** What is being measured. */
  readonly unfinished: Set<UnfinishedRow>;
}

/** The whole report as Markdown or JSON, of an unfinished run too. */
export async function renderFindings(
  { results, notMeasured, floors, unfinished }: Findings,
  { json, quick, agents }: Pick<FailoverArguments, 'json' | 'quick' | 'agents'>,
  search: ToolSearch,
): Promise<string> {
  const cutShort: readonly RowResult[] = [...unfinished]
    .filter(({ rounds }) => rounds.length > 0)
    .map((row) => ({ ...row, lost: undefined, acknowledged: 0, problem: 'interrupted' }));
  const all = [...results, ...cutShort].toSorted((one, other) => rows.indexOf(one.row) - rows.indexOf(other.row));
  const gaps = renderGaps(all, notMeasured);
  const found = await describeMachine(search);
  const versions = await peerVersions(new Set(all.map(({ row }) => row.setting)));
  const machine = { ...found, versions: { ...found.versions, ...versions } };
  if (json) {
    const document = { machine, quick, agents, results: { gaps: gaps.data, floors: floors?.data }, notMeasured };
    return `${JSON.stringify(document, null, 2)}\n`;
  }
  const paragraphs = [
    ...(quick ? ['**A quick trial: these numbers mean nothing.**'] : []),
    ...(agents ? [] : ['**Without agents.**']),
    ...[gaps, renderParts(all), floors].flatMap((section) => (section === undefined ? [] : [renderSection(section)])),
    renderMachine(machine, 'npm run bench:failover'),
  ];
  return `${paragraphs.join('\n\n')}\n`;
}
