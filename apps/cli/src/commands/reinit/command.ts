import { previewReinit, reinitMember } from '@holdfast/cluster';
import type { Command } from 'commander';
import pc from 'picocolors';
import { runs } from '../../define-command.js';
import { askToConfirm } from '../../terminal/confirm.js';
import { withCluster } from '../../with-cluster.js';
import { formatBytes } from '../status/describe-status.js';

interface Options {
  readonly yes?: boolean;
}

export function addReinit(program: Command): void {
  const command = program
    .command('reinit')
    .description("delete a replica's data and copy it from the cluster anew; asks first")
    .argument('<member>', 'a replica: pg1, pg2 …')
    .option('--yes', 'answer yes');
  runs<Options>(
    command,
    [
      ['holdfast reinit pg3', 'show what is deleted, ask, do it, wait until pg3 streams'],
      ['holdfast reinit pg3 --yes', 'without asking'],
    ],
    async ([member = ''], { yes }, environment) =>
      await withCluster(environment, async (context) => {
        const { signal, output } = environment;
        const { dataDirectory, bytes } = await previewReinit(context, member, signal);
        output.note(`This deletes ${dataDirectory} (${bytes === undefined ? 'size unknown' : formatBytes(bytes)}).`);
        if (!(await askToConfirm(`Reinitialise ${member}?`, yes === true, environment))) {
          output.result({ member, reinitialised: false }, 'Nothing was changed.');
          return;
        }
        const result = await reinitMember(context, { member, confirm: true, signal, progress: output.progress });
        output.result(
          { member, reinitialised: true, durationMilliseconds: result.durationMilliseconds },
          `${pc.green('✔')} ${member} was copied anew and streams, ${(result.durationMilliseconds / 1000).toFixed(1)} s.`,
        );
      }),
  );
}
