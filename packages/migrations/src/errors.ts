import { ExitCode, HoldfastError } from '@holdfast/spec';
import type { Migration, RecordedMigration } from './migration.js';
import type { ProjectMigration, RecordedProjectMigration } from './project/project-migration.js';
import type { SqlStatement, SqlSyntaxError } from './project/read-statements.js';

const restore = 'Restore the files of the version of Holdfast that this cluster was last brought up with.';

export function migrationFilesInvalid(folder: string, reason: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_MIGRATIONS_INVALID',
    message: `The migrations in ${folder} cannot be used: ${reason}.`,
    suggestion: 'Restore the folder as it came with Holdfast.',
  });
}

export function migrationChanged(file: Migration, past: RecordedMigration): HoldfastError {
  return new HoldfastError({
    code: 'HF_MIGRATION_CHANGED',
    message: `${file.path} is not what was run on this database. Nothing was changed.`,
    detail: `Its SHA-256 is ${file.checksum}; what ran had ${past.checksum}.`,
    suggestion: restore,
    exitCode: ExitCode.state,
  });
}

export function migrationMissing(past: RecordedMigration, renumbered: Migration | undefined): HoldfastError {
  const number = formatVersion(past.version);
  return new HoldfastError({
    code: 'HF_MIGRATION_MISSING',
    message: `Migration ${number}_${past.name} ran on this database, but its file is gone. Nothing was changed.`,
    ...(renumbered === undefined ? {} : { detail: `${renumbered.path} has the same content under another number.` }),
    suggestion: restore,
    exitCode: ExitCode.state,
  });
}

export function migrationOutOfOrder(late: Migration, last: number): HoldfastError {
  return new HoldfastError({
    code: 'HF_MIGRATION_OUT_OF_ORDER',
    message: `${late.path} comes before migration ${formatVersion(last)}, which ran already. Nothing was changed.`,
    suggestion: 'Give it a number after all that ran.',
    exitCode: ExitCode.state,
  });
}

export function schemaIsNewer(past: RecordedMigration, newest: number): HoldfastError {
  return new HoldfastError({
    code: 'HF_MIGRATIONS_NEWER',
    message: `This database was prepared by a newer Holdfast: it has migration ${formatVersion(past.version)}_${past.name}, this one knows none after ${formatVersion(newest)}. Nothing was changed.`,
    suggestion: 'Use the newer version of Holdfast.',
    exitCode: ExitCode.state,
  });
}

export function migrationFailed(migration: Migration, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_MIGRATION_FAILED',
    message: `${migration.path} failed. Nothing of it remains; those before it are done.`,
    detail: describeSqlError(migration.sql, cause),
    suggestion: 'Run the command again; if it fails again, report it with the lines above.',
    exitCode: ExitCode.failure,
    cause,
  });
}

export function migrationsBusy(seconds: number, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_MIGRATIONS_BUSY',
    message: `Somebody else has been migrating this database for ${seconds} s.`,
    suggestion: 'Wait for it to end, then run the command again.',
    exitCode: ExitCode.locked,
    cause,
  });
}

export function formatVersion(version: number): string {
  return String(version).padStart(4, '0');
}

/** What the server said, and in which line (its `position` counts characters from 1). */
function describeSqlError(sql: string, cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { position, detail, hint } = cause as Error & { position?: string; detail?: string; hint?: string };
  const line =
    position === undefined
      ? undefined
      : [...sql]
          .slice(0, Number(position) - 1)
          .join('')
          .split('\n').length;
  return [line === undefined ? cause.message : `line ${line}: ${cause.message}`, detail, hint]
    .filter((part) => part !== undefined && part !== '')
    .join('\n');
}

export function projectMissing(folder: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_DB_NO_PROJECT',
    message: `There is no folder ${folder}.`,
    suggestion: 'Run this where the Supabase CLI keeps its folder supabase, or name that folder with --project.',
    exitCode: ExitCode.usage,
  });
}

export function projectFilesInvalid(reason: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_DB_FILES_INVALID',
    message: `The project's migrations cannot be used: ${reason}.`,
    suggestion: 'Give each file a version of its own.',
    exitCode: ExitCode.usage,
  });
}

export function projectUnknown(
  past: RecordedProjectMigration,
  renumbered: ProjectMigration | undefined,
): HoldfastError {
  const name = past.name === null || past.name === '' ? past.version : `${past.version}_${past.name}`;
  return new HoldfastError({
    code: 'HF_DB_MIGRATION_UNKNOWN',
    message: `Migration ${name} ran on this database, but there is no file for it. Nothing was changed.`,
    ...(renumbered === undefined ? {} : { detail: `${renumbered.path} has the same content under another version.` }),
    suggestion:
      renumbered === undefined
        ? 'Get the file back, for example from your repository.'
        : 'Give it its old version again: what ran keeps its version.',
    exitCode: ExitCode.state,
  });
}

export function projectChanged(file: ProjectMigration): HoldfastError {
  return new HoldfastError({
    code: 'HF_DB_MIGRATION_CHANGED',
    message: `${file.path} is not what ran on this database. Nothing was changed.`,
    suggestion: 'Restore it, and put the change into a new migration.',
    exitCode: ExitCode.state,
  });
}

export function projectLate(late: readonly ProjectMigration[], last: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_DB_MIGRATION_LATE',
    message: `${late.length === 1 ? 'A migration comes' : `${late.length} migrations come`} before ${last}, which ran already. Nothing was changed.`,
    detail: late.map(({ path }) => path).join('\n'),
    suggestion: 'Give them later versions, or run them all the same with --include-all.',
    exitCode: ExitCode.state,
  });
}

export function projectSyntax(path: string, error: SqlSyntaxError): HoldfastError {
  return new HoldfastError({
    code: 'HF_DB_SYNTAX',
    message: `${path}, line ${error.line}: ${error.message}. Nothing was run.`,
    suggestion: 'Mend the file and run the command again.',
    exitCode: ExitCode.usage,
    cause: error,
  });
}

export function projectNotInTransaction(path: string, statement: SqlStatement): HoldfastError {
  return new HoldfastError({
    code: 'HF_DB_TRANSACTION',
    message: `${path}, line ${statement.line}: ${firstWords(statement.text)} ends or begins a transaction. Nothing was run.`,
    detail: 'A migration runs in one transaction together with its record, so that all of it is there or nothing.',
    suggestion: 'Remove it, or cut the file into two migrations there.',
    exitCode: ExitCode.usage,
  });
}

export function projectFailed(path: string, statement: SqlStatement, cause: unknown): HoldfastError {
  const { message, code, detail, hint } = cause as Error & { code?: string; detail?: string; hint?: string };
  const noTransaction = code === '25001';
  // duplicate_table, _column, _object, _schema, _function
  const isThere = ['42P07', '42701', '42710', '42P06', '42723'].includes(code ?? '');
  return new HoldfastError({
    code: 'HF_DB_MIGRATION_FAILED',
    message: `${path}, line ${statement.line}: ${message}. Nothing of this file remains; those before it are done.`,
    detail: [firstWords(statement.text), detail, hint].filter((part) => part !== undefined && part !== '').join('\n'),
    suggestion: noTransaction
      ? 'A migration runs in one transaction. Run this statement by hand through `holdfast psql`, and write the migration so that it finds it done (IF NOT EXISTS).'
      : isThere
        ? 'If the database was changed by hand and has all of this, record it: `holdfast db repair --status applied VERSION`. Else mend the file.'
        : 'Mend the file and run the command again.',
    cause,
  });
}

/** Enough of a statement to know it by. */
function firstWords(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 80 ? `${line.slice(0, 80)}…` : line;
}

export function projectBusy(seconds: number, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_DB_BUSY',
    message: `Others have been using what was to be dropped for ${seconds} s. Nothing was changed.`,
    suggestion: 'End what uses the database and run the command again.',
    exitCode: ExitCode.locked,
    cause,
  });
}

export function replayFailed(path: string, statement: SqlStatement, cause: unknown): HoldfastError {
  const { message, detail, hint } = cause as Error & { detail?: string; hint?: string };
  return new HoldfastError({
    code: 'HF_DB_SHADOW_FAILED',
    message: `${path}, line ${statement.line}: ${message}. This was the shadow database, which begins empty; the cluster is as it was.`,
    detail: [firstWords(statement.text), detail, hint].filter((part) => part !== undefined && part !== '').join('\n'),
    suggestion:
      'The migrations must lead from an empty database to what they describe, as in `holdfast db reset`. It has no data, no network and no roles but those of the migrations.',
    cause,
  });
}

export function schemaUnknown(name: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_DB_SCHEMA_UNKNOWN',
    message: `Neither the database nor the migrations have a schema ${name}.`,
    suggestion: 'Separate several with commas: --schema public,app.',
    exitCode: ExitCode.usage,
  });
}

export function diffNameInvalid(name: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_DB_DIFF_NAME',
    message: `${JSON.stringify(name)} is no name for a migration. Nothing was written.`,
    suggestion: 'Use letters, digits, _ and -, at most 100: holdfast db diff -f add_posts.',
    exitCode: ExitCode.usage,
  });
}

export function migrationFileExists(path: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_DB_FILE_EXISTS',
    message: `${path} is there already. Nothing was written.`,
    suggestion: 'Run the command again.',
    exitCode: ExitCode.state,
  });
}

export function noVersionLeft(newest: string): HoldfastError {
  return projectFilesInvalid(`no time comes after the version ${newest}`);
}

export function diffPending(pending: readonly ProjectMigration[]): HoldfastError {
  return new HoldfastError({
    code: 'HF_DB_DIFF_PENDING',
    message: `The database lacks ${pending.length === 1 ? 'a migration' : `${pending.length} migrations`}; a new one would take back what they make. Nothing was written.`,
    detail: pending.map(({ path }) => path).join('\n'),
    suggestion: 'Run `holdfast db push` first, or without -f look at the difference.',
    exitCode: ExitCode.state,
  });
}

export function diffUnproven(reason: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_DB_DIFF_UNPROVEN',
    message:
      'The SQL for the difference was tried on the shadow database and does not lead there. Nothing was written.',
    detail: reason,
    suggestion: 'Run the command without -f, and put what is right of it into a migration by hand.',
  });
}

export function diffByHand(statement: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_DB_DIFF_BY_HAND',
    message: 'A part of the difference cannot run in a transaction, so it cannot be a migration. Nothing was written.',
    detail: firstWords(statement),
    suggestion: 'Run the command without -f, and keep that statement out of the migrations.',
    exitCode: ExitCode.state,
  });
}

export function repairUnknown(version: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_DB_REPAIR_UNKNOWN',
    message: `No migration has the version ${version}. Nothing was changed.`,
    suggestion: 'The version is what the name of the file begins with.',
    exitCode: ExitCode.usage,
  });
}

export function projectTableMissing(cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_DB_NOT_PREPARED',
    message: 'The database has no table supabase_migrations.schema_migrations. Nothing was changed.',
    suggestion: 'Run `holdfast supabase migrate`, which makes it.',
    exitCode: ExitCode.state,
    cause,
  });
}
