import { join, resolve } from 'node:path';
import { diffProject, type ProjectDiff } from '@holdfast/cluster';
import {
  checkMigrationName,
  diffByHand,
  diffUnproven,
  type NewFile,
  nameFiles,
  type Project,
  readProject,
  textOf,
  writeFiles,
} from '@holdfast/migrations';
import type { Command } from 'commander';
import pc from 'picocolors';
import { runs } from '../../define-command.js';
import { parseSeconds } from '../../parse-seconds.js';
import { indent, type Output } from '../../terminal/output.js';
import { usageError } from '../../usage-error.js';
import { secretsOf, withCluster } from '../../with-cluster.js';

interface DiffFlags {
  readonly f?: string;
  readonly file?: string;
}

interface DiffCommandOptions extends DiffFlags {
  readonly project: string;
  readonly schema?: string;
  readonly timeout: string;
}

export function addDiff(db: Command): void {
  const command = db
    .command('diff')
    .description('print the SQL that leads from the migrations to what the database is now; changes nothing')
    .option('-f <name>', 'write it as a new migration of that name; with a .yaml file: the cluster to use')
    .option('--file <name>', 'the same, so that both can be given')
    .option('-s, --schema <names>', 'only these schemas, separated by commas; default all that are your own')
    .option('--timeout <seconds>', 'how long all of it may take', '1200')
    .option('--project <folder>', 'the folder with migrations', 'supabase');
  runs<DiffCommandOptions>(
    command,
    [
      ['holdfast db diff', 'what was changed by hand, as SQL'],
      ['holdfast db diff -f add_posts', 'the same into supabase/migrations/<time>_add_posts.sql'],
      ['holdfast db diff --schema public,app', 'of these schemas only'],
      ['holdfast db diff -f other.yaml --file add_posts', 'of another cluster'],
    ],
    async (_args, options, environment) => {
      const { name, specFile } = readDiffFlags(options);
      if (name !== undefined) checkMigrationName(name);
      await withCluster({ ...environment, file: specFile }, async (context) => {
        const { output, signal } = environment;
        const folder = resolve(environment.cwd, options.project);
        const project = await readProject(folder);
        const diff = await diffProject(context, project, {
          secrets: secretsOf(context),
          signal,
          schemas: readSchemas(options.schema),
          timeoutSeconds: parseSeconds(options.timeout, '--timeout', 'holdfast db diff --timeout 3600'),
          refusePending: name !== undefined,
          progress: output.progress,
        });
        const files = name === undefined ? [] : newFiles(join(folder, 'migrations'), name, project, diff);
        await writeFiles(files);
        tell(output, diff, files);
        const sql = diff.parts.map(textOf).join('\n-- What follows needs a transaction of its own.\n\n');
        output.result(
          {
            sql,
            proven: diff.unproven === undefined,
            drops: diff.drops,
            notes: diff.notes,
            pending: diff.pending.map(({ version }) => version),
            written: files.map(({ version, path }) => ({ version, path })),
          },
          name === undefined ? sql : '',
        );
      });
    },
  );
}

/** Pure: a .yaml file is a cluster's, a bare word a migration's name. Throws HF_USAGE for two of a kind. */
export function readDiffFlags({ f, file }: DiffFlags): {
  readonly name: string | undefined;
  readonly specFile: string | undefined;
} {
  const given = [f, file].filter((value) => value !== undefined);
  const isSpec = (value: string) => /\.ya?ml$/.test(value);
  const specs = given.filter(isSpec);
  const names = given.filter((value) => !isSpec(value));
  if (specs.length > 1 || names.length > 1) {
    throw usageError('-f and --file name two of the same kind.', 'holdfast db diff -f other.yaml --file add_posts');
  }
  return { name: names[0], specFile: specs[0] };
}

function readSchemas(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => name === '')) {
    throw usageError(`--schema ${JSON.stringify(text)} has an empty name.`, 'holdfast db diff --schema public,app');
  }
  return names;
}

/** Throws HF_DB_DIFF_UNPROVEN and HF_DB_DIFF_BY_HAND for what cannot be a migration. */
export function newFiles(
  folder: string,
  name: string,
  project: Pick<Project, 'migrations'>,
  diff: Pick<ProjectDiff, 'parts' | 'unproven'>,
): readonly NewFile[] {
  if (diff.unproven !== undefined) throw diffUnproven(diff.unproven);
  const byHand = diff.parts.find(({ transactional }) => !transactional);
  if (byHand !== undefined) throw diffByHand(byHand.statements.join('; '));
  return nameFiles(folder, name, diff.parts, project.migrations, new Date());
}

function tell(output: Output, diff: ProjectDiff, files: readonly NewFile[]): void {
  const warn = (text: string) => output.note(`${pc.red('warning')} ${text}`);
  for (const text of diff.notes) output.note(`${pc.yellow('note')} ${text}`);
  if (diff.drops.length > 0) {
    warn(`This is lost where the SQL runs; look whether it is meant:\n${indent(diff.drops.join(';\n'))};`);
  }
  if (diff.unproven !== undefined) {
    warn(`The SQL was tried on the shadow database and does not lead to what the database is. ${diff.unproven}`);
  }
  if (diff.pending.length > 0) {
    const names = diff.pending.map(({ version, name }) => `  ${version}_${name}`).join('\n');
    warn(
      `The database has not had these migrations, and the SQL takes back what they make; push them first:\n${names}`,
    );
  }
  if (diff.parts.length === 0) output.note(`${pc.green('✔')} The database is what the migrations make of it.`);
  if (files.length === 0) return;
  const versions = files.map(({ version }) => version).join(' ');
  output.note(
    [
      ...files.map(({ path }) => `${pc.green('✔')} Wrote ${path}`),
      'Read it. The database has this already, so record it, or the next push fails because it is there:',
      `  holdfast db repair --status applied ${versions}`,
    ].join('\n'),
  );
}
