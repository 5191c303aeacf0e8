import { describePurge, down, purge } from '@holdfast/cluster';
import type { Command } from 'commander';
import pc from 'picocolors';
import { runs } from '../../define-command.js';
import { askToConfirm } from '../../terminal/confirm.js';
import { withCluster } from '../../with-cluster.js';

interface Options {
  readonly purge?: boolean;
  readonly yes?: boolean;
}

export function addDown(program: Command): void {
  const command = program
    .command('down')
    .description('stop the cluster; its data stays')
    .option('--purge', 'delete the cluster with all its data afterwards; asks first')
    .option('--yes', 'answer yes');
  runs<Options>(
    command,
    [
      ['holdfast down', 'stop; `holdfast up` starts it again with the same data'],
      ['holdfast down --purge', 'show what would be deleted, ask, stop and delete it'],
      ['holdfast down --purge --yes', 'without asking'],
    ],
    async (_args, options, environment) =>
      await withCluster(environment, async (context) => {
        const { output, signal } = environment;
        if (options.purge === true) {
          const what = await describePurge(context);
          output.note(what.text);
          if (!(await askToConfirm(`Delete ${what.directory} for good?`, options.yes === true, environment))) {
            output.result({ cluster: context.spec.name, stopped: false, purged: false }, 'Nothing was changed.');
            return;
          }
        }
        const stopped = await down(context, { signal, progress: output.progress });
        const purged = options.purge === true;
        if (purged) await purge(context, signal);
        const name = pc.bold(context.spec.name);
        output.result(
          { cluster: context.spec.name, stopped, purged },
          `${stopped ? `${name} is stopped` : `${name} was not running`}${purged ? ' and its data deleted' : ''}.`,
        );
      }),
  );
}
