import { switchover } from '@holdfast/cluster';
import type { Command } from 'commander';
import pc from 'picocolors';
import { runs } from '../../define-command.js';
import { parseSeconds } from '../../parse-seconds.js';
import { withCluster } from '../../with-cluster.js';

interface Options {
  readonly to?: string;
  readonly drainTimeout: string;
  readonly force?: boolean;
}

export function addSwitchover(program: Command): void {
  const command = program
    .command('switchover')
    .description('move the primary to another member, in order: nothing lost, and clients of the pooler only wait')
    .option('--to <member>', 'the new primary, default the synchronous standby')
    .option('--drain-timeout <seconds>', 'how long running transactions through the pooler may take to end', '5')
    .option('--force', 'then go on all the same: what still runs is cut');
  runs<Options>(
    command,
    [
      ['holdfast switchover', 'to the synchronous standby'],
      ['holdfast switchover --to pg2', 'to pg2'],
      ['holdfast switchover --drain-timeout 20', 'give long transactions 20 s; new ones wait meanwhile'],
      ['holdfast switchover --force', 'do not let a transaction that does not end prevent it'],
    ],
    async (_args, options, environment) =>
      await withCluster(environment, async (context) => {
        const { signal, output } = environment;
        const drain = parseSeconds(options.drainTimeout, '--drain-timeout', 'holdfast switchover --drain-timeout 20');
        const result = await switchover(context, {
          signal,
          progress: output.progress,
          drainMilliseconds: drain * 1000,
          force: options.force === true,
          ...(options.to === undefined ? {} : { to: options.to }),
        });
        const document = {
          from: result.before.leader ?? null,
          to: result.after.leader ?? null,
          timeline: result.after.timeline ?? null,
          method: result.method,
          pausedMilliseconds: result.pausedMilliseconds ?? null,
          durationMilliseconds: result.durationMilliseconds,
        };
        const { from, to, pausedMilliseconds } = document;
        const waited =
          pausedMilliseconds === null
            ? ''
            : ` Clients of the pooler waited ${(pausedMilliseconds / 1000).toFixed(2)} s.`;
        output.result(document, `${pc.green('✔')} The primary is ${pc.bold(to ?? '?')} (was ${from ?? '?'}).${waited}`);
      }),
  );
}
