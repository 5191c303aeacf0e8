import { runSupervisor } from '@holdfast/runtime';
import type { Command } from 'commander';
import { runs } from '../../define-command.js';
import { withCluster } from '../../with-cluster.js';

/** What the systemd unit of `install-service` runs. */
export function addSupervise(program: Command): void {
  runs(
    program
      .command('supervise')
      .description('run the supervisor of an existing cluster in the foreground (for systemd)'),
    [['holdfast supervise', 'until SIGTERM; the units go on, `holdfast down` stops them']],
    async (_args, _options, environment) =>
      await withCluster(environment, async (context) => {
        await runSupervisor({ stateDirectory: context.stateDirectory, signal: environment.signal });
      }),
  );
}
