import { projectChanged, projectLate, projectUnknown } from '../errors.js';
import { isSameAs, type ProjectMigration, type RecordedProjectMigration } from './project-migration.js';

/**
 * Which of the project's migrations are still to run, in order. Pure. Throws HF_DB_MIGRATION_UNKNOWN for one that ran and has no file (naming
 * the file it was renumbered to), HF_DB_MIGRATION_CHANGED for a file that is not what ran, HF_DB_MIGRATION_LATE for one that comes
 * before what ran, unless `includeAll`.
 */
export function planPush(
  files: readonly ProjectMigration[],
  recorded: readonly RecordedProjectMigration[],
  options: { readonly includeAll: boolean },
): readonly ProjectMigration[] {
  const byVersion = new Map(files.map((file) => [file.version, file]));
  const done = new Set(recorded.map(({ version }) => version));
  const pending = files.filter(({ version }) => !done.has(version));
  for (const past of recorded) {
    const file = byVersion.get(past.version);
    if (file === undefined) {
      throw projectUnknown(
        past,
        pending.find((each) => isSameAs(each, past) === true),
      );
    }
    if (isSameAs(file, past) === false) throw projectChanged(file);
  }
  const last = recorded.reduce((newest, { version }) => (version > newest ? version : newest), '');
  const late = pending.filter(({ version }) => version < last);
  if (late.length > 0 && !options.includeAll) throw projectLate(late, last);
  return pending;
}
