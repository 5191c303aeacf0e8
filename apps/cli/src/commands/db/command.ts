import { resolve } from 'node:path';
import { type ClusterContext, planProject, planReset, pushToCluster, resetCluster } from '@holdfast/cluster';
import { readProject } from '@holdfast/migrations';
import type { Command } from 'commander';
import pc from 'picocolors';
import { type CommandEnvironment, runs } from '../../define-command.js';
import { renderTable } from '../../terminal/table.js';
import { usageError } from '../../usage-error.js';
import { secretsOf, withCluster } from '../../with-cluster.js';
import { addDiff } from './diff.js';
import { addRepair } from './repair.js';

interface ProjectOptions {
  readonly project: string;
}

export function addDb(program: Command): void {
  const db = program.command('db').description("the project's own migrations: the folder supabase of the Supabase CLI");
  addPush(db);
  addReset(db);
  addDiff(db);
  addRepair(db);
}

function addPush(db: Command): void {
  const command = db
    .command('push')
    .description('run the migrations of supabase/migrations that the database lacks, each in a transaction')
    .option('--project <folder>', 'the folder with migrations and seed.sql', 'supabase')
    .option('--include-all', 'also those that come before what ran')
    .option('--dry-run', 'only say which');
  runs<ProjectOptions & { readonly includeAll?: boolean; readonly dryRun?: boolean }>(
    command,
    [
      ['holdfast db push --dry-run', 'what would run'],
      ['holdfast db push', 'run it; twice does no harm'],
      ['holdfast db push --project ../app/supabase', 'of another folder'],
    ],
    async (_args, options, environment) =>
      await withCluster(environment, async (context) => {
        const { output, signal } = environment;
        const project = await readProject(resolve(environment.cwd, options.project));
        for (const name of project.ignored) output.note(`${pc.yellow('note')} ${name} is not named like a migration`);
        const settings = {
          secrets: secretsOf(context),
          signal,
          includeAll: options.includeAll === true,
          onApplied: (name: string, milliseconds: number) => output.progress.note(`${name}  ${milliseconds} ms`),
        };
        if (options.dryRun === true) {
          const pending = await planProject(context, project, settings);
          output.result({ pending }, describe(pending, 'would run'));
          return;
        }
        output.progress.step("Running the project's migrations");
        const applied = await pushToCluster(context, project, settings);
        output.result({ applied }, describe(applied, 'ran'));
      }),
  );
}

function addReset(db: Command): void {
  const command = db
    .command('reset')
    .description('DELETE ALL DATA of the database postgres and make it anew from the migrations and seed.sql')
    .option('--project <folder>', 'the folder with migrations and seed.sql', 'supabase')
    .option('--delete-all-data-of <cluster>', "the cluster's name: without it nothing is done but shown");
  runs<ProjectOptions & { readonly deleteAllDataOf?: string }>(
    command,
    [
      ['holdfast db reset', 'what it would delete'],
      ['holdfast db reset --delete-all-data-of holdfast', 'do it, in one transaction: all or nothing'],
    ],
    async (_args, options, environment) =>
      await withCluster(environment, async (context) => {
        const { output, signal } = environment;
        const project = await readProject(resolve(environment.cwd, options.project));
        const settings = { secrets: secretsOf(context), signal };
        if (options.deleteAllDataOf !== context.spec.name) {
          await showReset(context, options.deleteAllDataOf, settings, environment);
          return;
        }
        output.progress.step('Making the database anew');
        const result = await resetCluster(context, project, settings);
        const words = `${pc.green('✔')} The database is as new: ${result.applied.length} migrations${project.seed === undefined ? '' : ' and seed.sql'} ran.`;
        output.result({ ...result, seeded: project.seed !== undefined }, words);
      }),
  );
}

/** What would go. Throws HF_USAGE for a name that is not this cluster's. */
async function showReset(
  context: ClusterContext,
  named: string | undefined,
  settings: Parameters<typeof planReset>[1],
  { output }: CommandEnvironment,
): Promise<void> {
  const { name } = context.spec;
  const suggestion = `holdfast db reset --delete-all-data-of ${name}`;
  if (named !== undefined) {
    throw usageError(`This cluster is ${name}, not ${named}. Nothing was changed.`, suggestion);
  }
  const schemas = await planReset(context, settings);
  const table = renderTable(
    ['SCHEMA', 'TABLES'],
    schemas.map(({ schema, tables }) => [schema, String(tables)]),
  );
  output.result(
    { wouldDrop: schemas },
    `These schemas of the database postgres of ${name} would be dropped with all that is in them, and made anew:\n\n${table}\n\nNothing was changed. To do it: ${suggestion}`,
  );
}

function describe(names: readonly string[], what: string): string {
  if (names.length === 0) return `${pc.green('✔')} The database has all of the project's migrations.`;
  return [`${names.length} migrations ${what}:`, ...names.map((name) => `  ${name}`)].join('\n');
}
