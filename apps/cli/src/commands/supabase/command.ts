import { fetchSupabaseStatus, migrateSupabase, planSupabase, type SchemaStep } from '@holdfast/cluster';
import type { Command } from 'commander';
import pc from 'picocolors';
import { runs } from '../../define-command.js';
import { renderTable } from '../../terminal/table.js';
import { secretsOf, withCluster } from '../../with-cluster.js';

export function addSupabase(program: Command): void {
  const supabase = program.command('supabase').description("the database as Supabase's services expect it");
  addMigrate(supabase);
  addStatus(supabase);
}

function addMigrate(supabase: Command): void {
  const command = supabase
    .command('migrate')
    .description('run the migrations that the database lacks; `holdfast up` does it too')
    .option('--plan', 'only say which');
  runs<{ readonly plan?: boolean }>(
    command,
    [
      ['holdfast supabase migrate --plan', 'what would run'],
      ['holdfast supabase migrate', 'run it; twice does no harm'],
    ],
    async (_args, { plan }, environment) =>
      await withCluster(environment, async (context) => {
        const { output, signal } = environment;
        const options = {
          secrets: secretsOf(context),
          signal,
          onApplied: (step: SchemaStep) => output.progress.note(nameOf(step)),
        };
        if (plan === true) {
          const pending = await planSupabase(context, options);
          output.result({ pending }, describe(pending, 'would run'));
          return;
        }
        output.progress.step('Preparing the database for Supabase');
        const { steps, passwords } = await migrateSupabase(context, options);
        const roles = passwords.map((role) => `${role} has the password of the cluster's secrets now.`);
        output.result({ applied: steps, passwords }, [describe(steps, 'ran'), ...roles].join('\n'));
      }),
  );
}

function addStatus(supabase: Command): void {
  const command = supabase.command('status').description('what of Supabase the database has, and what it has not');
  runs(
    command,
    [
      ['holdfast supabase status', 'migrations to run, and the state of each extension'],
      ['holdfast supabase status --json | jq .features', 'for scripts'],
    ],
    async (_args, _options, environment) =>
      await withCluster(environment, async (context) => {
        const { output, signal } = environment;
        const status = await fetchSupabaseStatus(context, { secrets: secretsOf(context), signal });
        const colour = { ready: pc.green, 'stand-in': pc.green, 'not available': pc.dim };
        const rows = status.features.map(({ name, state, version, note }) => [
          name,
          state in colour ? colour[state as keyof typeof colour](state) : pc.yellow(state),
          version ?? '',
          note,
        ]);
        const table = renderTable(['EXTENSION', 'STATE', 'VERSION', ''], rows);
        output.result(status, `${describe(status.pending, 'are to run: holdfast supabase migrate')}\n\n${table}`);
      }),
  );
}

function describe(steps: readonly SchemaStep[], what: string): string {
  if (steps.length === 0) return `${pc.green('✔')} The database is ready; there is nothing to run.`;
  return [`${steps.length} migrations ${what}:`, ...steps.map((step) => `  ${nameOf(step)}`)].join('\n');
}

function nameOf({ database, version, name, milliseconds }: SchemaStep): string {
  const time = milliseconds === undefined ? '' : pc.dim(`  ${milliseconds} ms`);
  return `${database}  ${String(version).padStart(4, '0')}_${name}${time}`;
}
