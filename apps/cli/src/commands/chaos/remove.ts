import { removeLab } from '@holdfast/chaos';
import type { Command } from 'commander';
import { runs } from '../../define-command.js';

export function addChaosRemove(chaos: Command): void {
  const command = chaos
    .command('remove')
    .description('remove the cluster of a run with --keep: processes, network namespaces, data')
    .argument('<folder>', 'its folder, as the run named it');
  runs(
    command,
    [['holdfast chaos remove /tmp/holdfast-chaos-Ab3xYz', 'everything of that lab']],
    async ([folder = ''], _options, { output }) => {
      const removed = await removeLab(folder);
      output.result(removed, `${removed.folder} and all that belonged to it is removed.`);
    },
  );
}
