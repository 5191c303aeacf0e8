import type { Command } from 'commander';
import { runs } from '../../define-command.js';
import { keysOf, withCluster } from '../../with-cluster.js';
import { listKeys, renderKeys } from './describe-keys.js';
import { addRotate } from './rotate.js';

interface Options {
  readonly reveal?: boolean;
}

export function addKeys(program: Command): void {
  const keys = program.command('keys').description('the keys of the API: list them, rotate them');
  const list = keys
    .command('list', { isDefault: true })
    .description('every key, when it was made and how long it is valid; also `holdfast keys`')
    .option('--reveal', 'show their values');
  runs<Options>(
    list,
    [
      ['holdfast keys list', 'no values: can be shown to anybody'],
      ['holdfast keys list --reveal', 'with their values'],
      ['holdfast keys list --json --reveal', 'for scripts'],
    ],
    async (_args, options, environment) =>
      await withCluster(environment, async (context) => {
        const reveal = options.reveal === true;
        const rows = await listKeys(await keysOf(context), new Date());
        const shown = reveal ? rows : rows.map(({ value: _, ...row }) => row);
        environment.output.result({ cluster: context.spec.name, keys: shown }, renderKeys(rows, reveal));
      }),
  );
  addRotate(keys);
}
