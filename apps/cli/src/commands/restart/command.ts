import { type ClusterContext, type RestartOptions, restartAll, restartMember } from '@holdfast/cluster';
import { ExitCode, HoldfastError } from '@holdfast/spec';
import type { Command } from 'commander';
import pc from 'picocolors';
import { type CommandEnvironment, runs } from '../../define-command.js';
import { parseSeconds } from '../../parse-seconds.js';
import { withCluster } from '../../with-cluster.js';

interface Options {
  readonly all?: boolean;
  readonly pending?: boolean;
  readonly inPlace?: boolean;
  readonly drainTimeout: string;
  readonly force?: boolean;
}

interface Request extends RestartOptions {
  readonly pendingOnly: boolean;
  readonly inPlace: boolean;
}

export function addRestart(program: Command): void {
  const command = program
    .command('restart')
    .description('restart the PostgreSQL of one member, or of all of them one after the other')
    .argument('[member]', 'pg1, pg2 …')
    .option('--all', 'every member: replicas first, the primary last')
    .option('--pending', 'only where a changed setting waits for it')
    .option('--in-place', 'restart a primary as the primary, instead of making another member the primary first')
    .option('--drain-timeout <seconds>', 'how long running transactions through the pooler may take to end', '5')
    .option('--force', 'then go on all the same: what still runs is cut');
  runs<Options>(
    command,
    [
      ['holdfast restart pg2', 'a replica: nobody who writes notices; the primary: another member takes over first'],
      ['holdfast restart pg1 --in-place', 'the primary stays the primary; clients of the pooler wait for it'],
      ['holdfast restart --all --pending', 'what changed settings wait for, wherever they wait'],
    ],
    async ([member], options, environment) => {
      checkWhat(member, options);
      const drain = parseSeconds(options.drainTimeout, '--drain-timeout', 'holdfast restart pg1 --drain-timeout 20');
      const request: Request = {
        pendingOnly: options.pending === true,
        inPlace: options.inPlace === true,
        drainMilliseconds: drain * 1000,
        force: options.force === true,
        signal: environment.signal,
        progress: environment.output.progress,
      };
      await withCluster(environment, async (context) => {
        if (member === undefined) await all(context, request, environment);
        else await one(context, member, request, environment);
      });
    },
  );
}

function checkWhat(member: string | undefined, { all }: Options): void {
  if ((member === undefined) === (all === true)) return;
  throw new HoldfastError({
    code: 'HF_USAGE',
    message: member === undefined ? 'Which member is to be restarted?' : 'Name a member or give --all, not both.',
    suggestion: 'holdfast restart pg2, or holdfast restart --all',
    exitCode: ExitCode.usage,
  });
}

async function one(
  context: ClusterContext,
  member: string,
  request: Request,
  { output }: CommandEnvironment,
): Promise<void> {
  const result = await restartMember(context, { ...request, member });
  const { restarted, durationMilliseconds, pausedMilliseconds, newLeader } = result;
  output.result(
    {
      member,
      restarted,
      newLeader: newLeader ?? null,
      pausedMilliseconds: pausedMilliseconds ?? null,
      durationMilliseconds,
    },
    restarted
      ? `${pc.green('✔')} ${member} was restarted, ${seconds(durationMilliseconds)}.${describePrimary(newLeader)}${describeWait(pausedMilliseconds)}`
      : `No changed setting waits for a restart of ${member}; nothing was done.`,
  );
}

async function all(context: ClusterContext, request: Request, { output }: CommandEnvironment): Promise<void> {
  const result = await restartAll(context, request);
  const { restarted, pendingRestart, durationMilliseconds, pausedMilliseconds, newLeader } = result;
  const waiting =
    pendingRestart.length === 0
      ? ''
      : `\n  ${pc.yellow('Still waiting for a restart')}: ${pendingRestart.join(', ')}; run it once more.`;
  output.result(
    {
      restarted,
      newLeader: newLeader ?? null,
      pendingRestart,
      pausedMilliseconds: pausedMilliseconds ?? null,
      durationMilliseconds,
    },
    restarted.length > 0
      ? `${pc.green('✔')} ${restarted.join(', ')} were restarted, ${seconds(durationMilliseconds)}.${describePrimary(newLeader)}${describeWait(pausedMilliseconds)}${waiting}`
      : 'No changed setting waits for a restart; nothing was done.',
  );
}

function describePrimary(newLeader: string | undefined): string {
  return newLeader === undefined ? '' : ` The primary is ${pc.bold(newLeader)}.`;
}

function describeWait(milliseconds: number | undefined): string {
  return milliseconds === undefined ? '' : ` Clients of the pooler waited ${(milliseconds / 1000).toFixed(2)} s.`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
