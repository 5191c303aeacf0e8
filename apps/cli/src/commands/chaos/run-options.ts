import { resolve } from 'node:path';
import {
  type LabClusterOptions,
  longestRunMilliseconds,
  mostClients,
  mostRounds,
  optionOutOfRange,
  type RunOptions,
  type WorkloadName,
  workloadNames,
} from '@holdfast/chaos';
import type { SynchronousMode } from '@holdfast/spec';

/** As the command line gives them. */
export interface RawRunOptions {
  readonly seed?: string;
  readonly replay?: string;
  readonly rounds?: string;
  readonly duration: string;
  readonly workload: string;
  readonly clients: string;
  readonly rate: string;
  readonly mode: string;
  readonly fence: string;
  readonly members: string;
  readonly agents: boolean;
  readonly keep?: boolean;
  readonly cluster?: string;
  readonly yes?: boolean;
  readonly output?: string;
}

export interface ParsedRun {
  readonly run: Omit<RunOptions, 'signal' | 'progress'>;
  readonly cluster: LabClusterOptions;
}

/** Rounds of `random` when nobody says how many. */
const randomRounds = 10;

/**
 * Pure. `fresh` is the seed when none is given, `now` the time in the name of the report's folder. Throws HF_CHAOS_OPTION; which scenarios there
 * are is judged later.
 */
export function parseRunOptions(
  names: readonly string[],
  options: RawRunOptions,
  surroundings: { readonly fresh: string; readonly now: Date; readonly cwd: string },
): ParsedRun {
  const scenarios = names.length > 0 ? names : ['random'];
  const seed = options.replay ?? options.seed ?? surroundings.fresh;
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(seed))
    throw optionOutOfRange('--seed', seed, 'up to 64 letters, digits, dots and hyphens');
  const workloads = parseWorkloads(options.workload);
  const perWorkload = Math.floor(mostClients / workloads.length);
  const rounds = options.rounds ?? String(names.length > 0 ? 1 : randomRounds);
  const time = surroundings.now.toISOString().slice(0, 19).replaceAll(':', '-');
  const cluster: LabClusterOptions = {
    members: parseNumber('--members', options.members, 2, 15),
    mode: parseChoice('--mode', options.mode, ['off', 'on', 'strict', 'quorum']) satisfies SynchronousMode,
    fence: parseChoice('--fence', options.fence, ['on', 'off']),
    agents: options.agents,
  };
  return {
    cluster,
    run: {
      scenarios,
      seed,
      rounds: parseNumber('--rounds', rounds, 1, mostRounds),
      work: {
        durationMilliseconds: parseDuration(options.duration),
        workloads,
        clients: parseNumber('--clients', options.clients, 1, perWorkload),
        rate: parseNumber('--rate', options.rate, 1, 10_000),
        output: resolve(surroundings.cwd, options.output ?? `holdfast-chaos/${time}-${seed}`),
        replayCommand: replayCommand(scenarios, seed, rounds, options),
      },
    },
  };
}

function replayCommand(scenarios: readonly string[], seed: string, rounds: string, options: RawRunOptions): string {
  const where =
    options.cluster === undefined
      ? `--mode ${options.mode} --fence ${options.fence} --members ${options.members}${options.agents ? '' : ' --no-agents'}`
      : `--cluster ${options.cluster}`;
  return `holdfast chaos run ${scenarios.join(' ')} --replay ${seed} --rounds ${rounds} --duration ${options.duration} --workload ${options.workload} --clients ${options.clients} --rate ${options.rate} ${where}`;
}

function parseWorkloads(text: string): readonly WorkloadName[] {
  const names = text.split(',').filter((name) => name !== '');
  const known = workloadNames.filter((name) => names.includes(name));
  if (known.length === 0 || known.length !== new Set(names).size) {
    throw optionOutOfRange('--workload', text, `one or more of ${workloadNames.join(', ')}, with commas between them`);
  }
  return known;
}

function parseNumber(option: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw optionOutOfRange(option, text, `a whole number from ${least} to ${most}`);
}

const unitMilliseconds = { s: 1000, m: 60_000, h: 3_600_000 } as const;

/** `90s`, `10m`, `2h`; a bare number is in seconds. */
function parseDuration(text: string): number {
  const [, number, unit = 's'] = /^(\d{1,6})([smh]?)$/.exec(text) ?? [];
  const milliseconds = Number(number) * unitMilliseconds[(unit || 's') as keyof typeof unitMilliseconds];
  if (milliseconds > 0 && milliseconds <= longestRunMilliseconds) return milliseconds;
  throw optionOutOfRange('--duration', text, 'a time like 90s, 10m or 1h, at most 2h');
}

function parseChoice<Choice extends string>(option: string, text: string, choices: readonly Choice[]): Choice {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw optionOutOfRange(option, text, choices.join(', '));
  return found;
}
