import { faultKinds, findObstacles, scenarios, whyImpossible } from '@holdfast/chaos';
import type { Command } from 'commander';
import pc from 'picocolors';
import { runs } from '../../define-command.js';
import { renderTable } from '../../terminal/table.js';

export function addChaosList(chaos: Command): void {
  const command = chaos.command('list').description('scenarios and faults, and what is possible on this machine');
  runs(
    command,
    [['holdfast chaos list', 'what `holdfast chaos run` can do here']],
    async (_args, _options, environment) => {
      const impossible = await findObstacles(environment.signal);
      const setting = { members: 3, agents: true, impossible };
      const listed = scenarios.map((scenario) => ({
        name: scenario.name,
        summary: scenario.summary,
        impossible: whyImpossible(scenario, setting) ?? null,
      }));
      const faults = faultKinds.map(({ name, summary, needs, roles }) => ({
        ...{ name, summary, roles },
        impossible: impossible[needs] ?? null,
      }));
      const row = ({ name, summary, impossible: why }: (typeof listed)[number]) => [
        name,
        why === null ? summary : `${summary} ${pc.yellow(`(not possible here: ${why})`)}`,
      ];
      environment.output.result(
        { scenarios: listed, faults },
        [
          renderTable(['SCENARIO', 'WHAT HAPPENS'], listed.map(row)),
          renderTable(['FAULT', 'WHAT IT DOES'], faults.map(row)),
        ].join('\n\n'),
      );
    },
  );
}
