import { resolve } from 'node:path';
import { repairCluster } from '@holdfast/cluster';
import { readProject } from '@holdfast/migrations';
import type { Command } from 'commander';
import pc from 'picocolors';
import { runs } from '../../define-command.js';
import { usageError } from '../../usage-error.js';
import { secretsOf, withCluster } from '../../with-cluster.js';

export function addRepair(db: Command): void {
  const command = db
    .command('repair')
    .description('change the record of which migrations ran, and nothing else')
    .argument('<versions...>', 'what the names of the files begin with')
    .requiredOption('--status <status>', 'applied: the database has it already; reverted: it has it no more')
    .option('--project <folder>', 'the folder with migrations', 'supabase');
  runs<{ readonly status: string; readonly project: string }>(
    command,
    [
      ['holdfast db repair --status applied 20260101120000', 'after `db diff -f`: push does not run it'],
      ['holdfast db repair --status reverted 20260101120000', 'push runs it again'],
    ],
    async (versions, { status, project: folder }, environment) => {
      if (status !== 'applied' && status !== 'reverted') {
        throw usageError(`--status is applied or reverted, not ${status}.`, 'holdfast db repair --help');
      }
      await withCluster(environment, async (context) => {
        const { output, signal } = environment;
        const project = await readProject(resolve(environment.cwd, folder));
        const changed = await repairCluster(context, project, versions, status, {
          secrets: secretsOf(context),
          signal,
        });
        const words =
          changed.length === 0 ? 'The record says that already.' : `Recorded as ${status}: ${changed.join(', ')}.`;
        output.result({ changed }, `${pc.green('✔')} ${words}`);
      });
    },
  );
}
