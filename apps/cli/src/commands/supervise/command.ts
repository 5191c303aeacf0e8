import { relieveSupervisor, runSupervisor } from '@holdfast/runtime';
import { ExitCode } from '@holdfast/spec';
import type { Command } from 'commander';
import { runs } from '../../define-command.js';
import { requireProcesses, secretsOf, withCluster } from '../../with-cluster.js';

/** sysexits' "try again": a newer build took over for a moment, and whoever started this one shall start it again. */
const replaced = 75;

/** What the systemd unit of `install-service` runs. */
export function addSupervise(program: Command): void {
  runs(
    program
      .command('supervise')
      .description('run the supervisor of an existing cluster in the foreground (for systemd)'),
    [['holdfast supervise', 'until SIGTERM; the units go on, `holdfast down` stops them']],
    async (_args, _options, { signal, ...environment }) =>
      await withCluster({ signal, ...environment }, async (context) => {
        requireProcesses(context, 'holdfast supervise');
        secretsOf(context);
        await relieveSupervisor(context.stateDirectory, signal);
        const end = await runSupervisor({ stateDirectory: context.stateDirectory, signal });
        return end === 'leave' ? replaced : ExitCode.ok;
      }),
  );
}
