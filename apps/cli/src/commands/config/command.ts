import {
  getConfiguration,
  overriddenByPlan,
  parseAssignment,
  parseConfigPath,
  setConfiguration,
} from '@holdfast/cluster';
import type { Command } from 'commander';
import pc from 'picocolors';
import { runs } from '../../define-command.js';
import { withCluster } from '../../with-cluster.js';

export function addConfig(program: Command): void {
  const config = program.command('config').description("Patroni's dynamic configuration, shared by all members");
  const get = config
    .command('get')
    .description('print it, or one value of it')
    .argument('[path]', 'for example postgresql.parameters.work_mem');
  runs(
    get,
    [
      ['holdfast config get', 'everything, as JSON'],
      ['holdfast config get postgresql.parameters.work_mem', 'one value'],
    ],
    async ([path], _options, environment) =>
      await withCluster(environment, async (context) => {
        const value = await getConfiguration(
          context,
          path === undefined ? [] : parseConfigPath(path),
          environment.signal,
        );
        const text = typeof value === 'string' ? value : JSON.stringify(value ?? null, null, 2);
        environment.output.result(value ?? null, text);
      }),
  );
  const set = config
    .command('set')
    .description('change values; null removes one')
    .argument('<path=value...>', 'values are JSON where they can be, else text');
  runs(
    set,
    [
      ['holdfast config set postgresql.parameters.work_mem=64MB', 'on all members at once'],
      ['holdfast config set postgresql.parameters.work_mem=null', "back to PostgreSQL's default"],
    ],
    async (given, _options, environment) =>
      await withCluster(environment, async (context) => {
        const assignments = given.map(parseAssignment);
        const result = await setConfiguration(context, assignments, environment.signal);
        const plan = await context.runtime.currentPlan(environment.signal);
        const overridden = plan === undefined ? [] : overriddenByPlan(assignments, plan.dynamicConfiguration);
        const lines = [
          ...(result.changed.length === 0
            ? ['Nothing had to be changed.']
            : result.changed.map((line) => `set ${line}`)),
          ...result.pendingRestart.map((member) => `${pc.yellow('waits for')} holdfast restart ${member}`),
        ];
        environment.output.result({ ...result, overridden }, lines.join('\n'));
        for (const line of overridden) environment.output.note(`${pc.yellow('note')} ${line}`);
      }),
  );
}
