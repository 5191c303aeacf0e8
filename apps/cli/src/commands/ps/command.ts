import type { Command } from 'commander';
import pc from 'picocolors';
import { runs } from '../../define-command.js';
import { renderTable } from '../../terminal/table.js';
import { withCluster } from '../../with-cluster.js';

export function addPs(program: Command): void {
  runs(
    program.command('ps').description('the units of the cluster and their processes'),
    [
      ['holdfast ps', 'a line a unit'],
      ["holdfast ps --json | jq -r '.units[].pid'", 'main processes'],
    ],
    async (_args, _options, environment) =>
      await withCluster(environment, async (context) => {
        const units = await context.runtime.status(environment.signal);
        const rows = units.map((unit) => [
          unit.id,
          unit.component,
          unit.state === 'ready' ? pc.green(unit.state) : pc.yellow(unit.state),
          unit.pid === undefined ? '-' : String(unit.pid),
          String(unit.pids.length),
          String(unit.restarts),
          unit.since,
          unit.lastEnd ?? '',
        ]);
        const table = renderTable(['UNIT', 'PART', 'STATE', 'PID', 'PROCESSES', 'RESTARTS', 'SINCE', 'LAST END'], rows);
        environment.output.result({ cluster: context.spec.name, units }, units.length === 0 ? 'Nothing runs.' : table);
      }),
  );
}
