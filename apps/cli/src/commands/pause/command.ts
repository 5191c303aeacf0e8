import { setPaused } from '@holdfast/cluster';
import type { Command } from 'commander';
import { runs } from '../../define-command.js';
import { withCluster } from '../../with-cluster.js';

export function addPause(program: Command): void {
  runs(
    program
      .command('pause')
      .description("Patroni's maintenance mode: no automatic failover, no restart of a stopped PostgreSQL"),
    [['holdfast pause', 'before work by hand; `holdfast resume` ends it']],
    async (_args, _options, environment) =>
      await withCluster(environment, async (context) => {
        await setPaused(context, true, { signal: environment.signal, progress: environment.output.progress });
        environment.output.result(
          { cluster: context.spec.name, paused: true },
          'Automatic failover is paused. End it with: holdfast resume',
        );
      }),
  );
}

export function addResume(program: Command): void {
  runs(
    program.command('resume').description('end the maintenance mode'),
    [['holdfast resume', 'automatic failover works again']],
    async (_args, _options, environment) =>
      await withCluster(environment, async (context) => {
        await setPaused(context, false, { signal: environment.signal, progress: environment.output.progress });
        environment.output.result({ cluster: context.spec.name, paused: false }, 'Automatic failover works again.');
      }),
  );
}
