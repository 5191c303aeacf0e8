import { switchover } from '@holdfast/cluster';
import type { Command } from 'commander';
import pc from 'picocolors';
import { runs } from '../../define-command.js';
import { withCluster } from '../../with-cluster.js';

interface Options {
  readonly to?: string;
}

export function addSwitchover(program: Command): void {
  const command = program
    .command('switchover')
    .description('move the primary to another member, in order, nothing lost')
    .option('--to <member>', 'the new primary, default the synchronous standby');
  runs<Options>(
    command,
    [
      ['holdfast switchover', 'to the synchronous standby'],
      ['holdfast switchover --to pg2', 'to pg2'],
    ],
    async (_args, { to }, environment) =>
      await withCluster(environment, async (context) => {
        const { signal, output } = environment;
        const result = await switchover(context, {
          signal,
          progress: output.progress,
          ...(to === undefined ? {} : { to }),
        });
        const document = {
          from: result.before.leader ?? null,
          to: result.after.leader ?? null,
          timeline: result.after.timeline ?? null,
          durationMilliseconds: result.durationMilliseconds,
        };
        output.result(
          document,
          `${pc.green('✔')} The primary is ${pc.bold(document.to ?? '?')} (was ${document.from ?? '?'}), ${(document.durationMilliseconds / 1000).toFixed(1)} s.`,
        );
      }),
  );
}
