import { seconds } from '../statistics.js';
import type { FailoverArguments } from './arguments.js';
import type { Contender } from './contender.js';
import type { Findings, UnfinishedRow } from './findings.js';
import { measureFloors } from './floors.js';
import { measureRow } from './measure-row.js';
import { renderOne } from './report.js';
import type { RoundResult } from './result.js';
import { isPeer, type Row, type Setting } from './rows.js';
import { missingFor, openSetting, type SettingOptions } from './settings.js';
import { TimeLeft } from './time-left.js';

type PlannedRow = FailoverArguments['rows'][number];

/**
 * Measures our rows one after the other, the floors, and then the peers' rows, all at once with a cluster each: half a minute and more of their
 * gaps is waiting for timers of their own. Whatever is known goes into `findings` at once. Rejects only when the signal aborts.
 */
export async function measureAll(
  options: FailoverArguments,
  setting: SettingOptions,
  findings: Findings,
  progress: (text: string) => void,
): Promise<void> {
  const { signal } = setting;
  const ours = options.rows.filter(({ row }) => !isPeer(row.setting));
  const theirs = options.rows.filter(({ row }) => isPeer(row.setting));
  const timeLeft = new TimeLeft(ours, theirs);
  await measureInTurn(ours, setting, findings, timeLeft, progress);
  if (options.floors) {
    try {
      findings.floors = await measureFloors(setting.tools, { quick: options.quick, signal, progress });
    } catch (error) {
      signal.throwIfAborted();
      findings.broken = true;
      findings.notMeasured.push(`the floors, ${firstLine(error)}`);
    }
  }
  const ended = await Promise.allSettled(
    theirs.map(async (planned) => await measureInTurn([planned], setting, findings, timeLeft, progress)),
  );
  signal.throwIfAborted();
  for (const result of ended) if (result.status === 'rejected') throw result.reason;
}

async function measureInTurn(
  rows: readonly PlannedRow[],
  setting: SettingOptions,
  findings: Findings,
  timeLeft: TimeLeft,
  progress: (text: string) => void,
): Promise<void> {
  const { signal } = setting;
  let open: { readonly setting: Setting; readonly contender: Contender } | undefined;
  const close = async () => {
    await open?.contender[Symbol.asyncDispose]();
    open = undefined;
  };
  try {
    for (const { row, rounds } of rows) {
      const missing = missingFor(row.setting, setting);
      if (missing !== undefined) {
        findings.notMeasured.push(`${row.name}, ${missing}`);
        timeLeft.close(row);
        continue;
      }
      const done: RoundResult[] = [];
      const unfinished: UnfinishedRow = { row, planned: rounds, rounds: done };
      try {
        if (open?.setting !== row.setting) {
          await close();
          progress(`${row.name}: starting what it needs (${timeLeft.text()})`);
          open = { setting: row.setting, contender: await openSetting(row.setting, setting) };
        }
        findings.unfinished.add(unfinished);
        const observer = observeRounds(row, rounds, done, timeLeft, progress);
        const result = await measureRow(row, rounds, open.contender, observer, signal);
        signal.throwIfAborted();
        findings.unfinished.delete(unfinished);
        findings.results.push(result);
        progress(renderOne(result));
        // Whatever broke, the next row begins on something whole.
        if (result.problem !== undefined) {
          findings.broken = true;
          await close();
        }
      } catch (error) {
        signal.throwIfAborted();
        findings.unfinished.delete(unfinished);
        await close();
        findings.broken = true;
        findings.notMeasured.push(`${row.name}, ${firstLine(error)}`);
        progress(`${row.name} failed: ${error instanceof Error ? error.stack : String(error)}`);
      }
      timeLeft.close(row);
    }
  } finally {
    await close();
  }
}

function observeRounds(
  row: Row,
  rounds: number,
  done: RoundResult[],
  timeLeft: TimeLeft,
  progress: (text: string) => void,
) {
  let begun = performance.now();
  return {
    beginning(round: number) {
      begun = performance.now();
      progress(`${row.name}: round ${round} of ${rounds} (${timeLeft.text()})`);
    },
    ended(result: RoundResult) {
      done.push(result);
      timeLeft.add(row, (performance.now() - begun) / 1000);
      progress(`${row.name}: ${describeRound(result)}`);
    },
  };
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}

function describeRound(round: RoundResult): string {
  const { victims, gapMilliseconds, longestMilliseconds, outcome, servers, errors } = round;
  const gap = seconds(gapMilliseconds ?? Number.POSITIVE_INFINITY);
  return `${victims.join(', then ') || 'nobody of the members'} hit, gap ${gap}, longest ${seconds(longestMilliseconds)}, ${outcome} (${servers.join(', ')}), errors ${errors}`;
}
