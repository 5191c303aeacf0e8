import { randomInt } from 'node:crypto';
import { type ChaosResult, type LabRun, runInLab, runOnCluster } from '@holdfast/chaos';
import { ExitCode, type ExitCodeValue, HoldfastError } from '@holdfast/spec';
import type { Command } from 'commander';
import pc from 'picocolors';
import { type CommandEnvironment, runs } from '../../define-command.js';
import { askToConfirm } from '../../terminal/confirm.js';
import { withCluster } from '../../with-cluster.js';
import { type ParsedRun, parseRunOptions, type RawRunOptions } from './run-options.js';

export function addChaosRun(chaos: Command): void {
  const command = chaos
    .command('run')
    .description('play scenarios on a cluster that is started for it, and judge what its clients saw')
    .argument('[scenarios...]', 'names from `holdfast chaos list`; default: random')
    .option('--seed <seed>', 'what everything random comes from; default: a new one, which is printed')
    .option('--replay <seed>', 'the same: the plan of an earlier run again')
    .option('--rounds <number>', 'how often the scenarios are gone through (default: 1, of random 10)')
    .option('--duration <time>', 'no round begins after so long: 90s, 10m, 2h', '2h')
    .option('--workload <names>', 'what clients do: set, append, bank, register', 'set,append,bank,register')
    .option('--clients <number>', 'clients of each workload, 64 together at most', '4')
    .option('--rate <number>', 'operations a second of each client', '50')
    .option('--mode <mode>', 'synchronous replication: off, on, strict, quorum', 'strict')
    .option('--fence <on|off>', 'off: a primary that cannot prove its lock is never stopped', 'on')
    .option('--members <number>', 'PostgreSQL members', '3')
    .option('--no-agents', 'Patroni alone decides, after its ttl')
    .option('--keep', 'leave the cluster running when it is over')
    .option('--output <folder>', 'for the report; default: ./holdfast-chaos/<time>-<seed>')
    .option('--cluster <name>', 'instead: the running cluster of that name; its processes are killed and frozen')
    .option('--yes', 'do that without asking');
  runs<RawRunOptions>(
    command,
    [
      ['holdfast chaos run', 'ten random rounds'],
      ['holdfast chaos run kill-member-primary isolate-primary', 'two scenarios, one after the other'],
      ['holdfast chaos run --replay 4711', 'the same plan again'],
      ['holdfast chaos run lag-then-lose --mode off --no-agents', 'how losses look: asynchronous replication'],
      ['holdfast chaos run kill-member-primary --cluster holdfast', 'a running cluster; never one that matters'],
    ],
    async (names, options, environment) => {
      const parsed = parseRunOptions(names, options, {
        fresh: String(randomInt(1, 2 ** 32)),
        now: new Date(),
        cwd: environment.cwd,
      });
      const { signal, output } = environment;
      output.note(`Seed ${pc.bold(parsed.run.seed)}`);
      if (options.cluster !== undefined) return await runNamed(options.cluster, parsed, options, environment);
      const { result, kept } = await runInLab({
        ...{ ...parsed.run, cluster: parsed.cluster, keep: options.keep === true },
        ...{ signal, progress: output.progress },
      });
      return show(result, kept, environment);
    },
  );
}

async function runNamed(
  name: string,
  { run }: ParsedRun,
  options: RawRunOptions,
  environment: CommandEnvironment,
): Promise<ExitCodeValue> {
  const { signal, output } = environment;
  return await withCluster(environment, async (context) => {
    if (context.spec.name !== name) throw otherCluster(name, context.spec.name);
    const question = `Kill and freeze processes of the running cluster "${name}" (${context.stateDirectory}) with ${run.scenarios.join(', ')}, while clients write into its schema holdfast_chaos? Everybody who uses it will notice.`;
    if (!(await askToConfirm(question, options.yes === true, environment))) throw notConfirmed();
    return show(await runOnCluster(context, { ...run, signal, progress: output.progress }), undefined, environment);
  });
}

/** 0: every promise was kept; 1: not, or not all could be checked; else what went wrong with the run itself. */
function show(result: ChaosResult, kept: LabRun['kept'], { output }: CommandEnvironment): ExitCodeValue {
  const { verdict: _, text, ...rest } = result;
  const lines = [
    text.trimEnd(),
    `Report: ${result.output}/report.html`,
    ...result.rounds.skipped.map(({ scenario, reason }) => `${pc.yellow('skipped')} ${scenario}: ${reason}`),
    ...(result.trouble === null ? [] : [`${pc.red('trouble')} ${result.trouble.message} (${result.trouble.code})`]),
    ...(kept === undefined ? [] : describeKept(kept)),
  ];
  output.result({ ...rest, kept: kept ?? null }, lines.join('\n'));
  if (result.valid !== true) return ExitCode.failure;
  return (result.trouble?.exitCode as ExitCodeValue | undefined) ?? ExitCode.ok;
}

function describeKept({ folder, namespaces }: NonNullable<LabRun['kept']>): readonly string[] {
  const [inside] = namespaces;
  const command = `holdfast status -f ${folder}/holdfast.yaml`;
  return [
    'The cluster was kept. Look at it:',
    `  ${inside === undefined ? command : `ip netns exec ${inside} ${command}`}`,
    'and remove it:',
    `  holdfast chaos remove ${folder}`,
  ];
}

function otherCluster(wanted: string, found: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_OTHER_CLUSTER',
    message: `The cluster here is "${found}", not "${wanted}". Nothing was done.`,
    suggestion: 'Name the file of the one you mean with -f.',
    exitCode: ExitCode.usage,
  });
}

function notConfirmed(): HoldfastError {
  return new HoldfastError({
    code: 'HF_CHAOS_NOT_CONFIRMED',
    message: 'Nothing was done.',
    suggestion: 'Without --cluster, the run starts a cluster of its own.',
    exitCode: ExitCode.usage,
  });
}
