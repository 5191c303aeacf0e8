import { failover } from '@holdfast/cluster';
import type { Command } from 'commander';
import pc from 'picocolors';
import { runs } from '../../define-command.js';
import { withCluster } from '../../with-cluster.js';

interface Options {
  readonly to?: string;
  readonly allowDataLoss?: boolean;
}

export function addFailover(program: Command): void {
  const command = program
    .command('failover')
    .description('make a member the primary although the present one is gone or unwell')
    .option('--to <member>', 'the new primary, default the synchronous standby')
    .option('--allow-data-loss', 'also to a member that may lack acknowledged transactions');
  runs<Options>(
    command,
    [
      ['holdfast failover', 'to the synchronous standby'],
      ['holdfast failover --to pg3 --allow-data-loss', 'the last resort: what pg3 has not received is lost'],
    ],
    async (_args, { to, allowDataLoss }, environment) =>
      await withCluster(environment, async (context) => {
        const { signal, output } = environment;
        const result = await failover(context, {
          signal,
          progress: output.progress,
          allowDataLoss: allowDataLoss === true,
          ...(to === undefined ? {} : { to }),
        });
        output.result(
          {
            from: result.before.leader ?? null,
            to: result.after.leader ?? null,
            timeline: result.after.timeline ?? null,
            durationMilliseconds: result.durationMilliseconds,
          },
          `${pc.green('✔')} The primary is ${pc.bold(result.after.leader ?? '?')}.`,
        );
      }),
  );
}
