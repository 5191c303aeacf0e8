import { restartMember } from '@holdfast/cluster';
import type { Command } from 'commander';
import pc from 'picocolors';
import { runs } from '../../define-command.js';
import { withCluster } from '../../with-cluster.js';

interface Options {
  readonly pending?: boolean;
}

export function addRestart(program: Command): void {
  const command = program
    .command('restart')
    .description('restart the PostgreSQL of one member, in place')
    .argument('<member>', 'pg1, pg2 …')
    .option('--pending', 'only if a changed setting waits for it');
  runs<Options>(
    command,
    [
      ['holdfast restart pg2', 'a replica: nobody notices on the read-write port'],
      ['holdfast restart pg1 --pending', 'only if needed'],
    ],
    async ([member = ''], { pending }, environment) =>
      await withCluster(environment, async (context) => {
        const { signal, output } = environment;
        const result = await restartMember(context, {
          member,
          pendingOnly: pending === true,
          signal,
          progress: output.progress,
        });
        output.result(
          { member, restarted: result.restarted, durationMilliseconds: result.durationMilliseconds },
          result.restarted
            ? `${pc.green('✔')} ${member} was restarted, ${(result.durationMilliseconds / 1000).toFixed(1)} s.`
            : `No changed setting waits for a restart of ${member}; nothing was done.`,
        );
      }),
  );
}
