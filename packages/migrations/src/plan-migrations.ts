import { migrationChanged, migrationMissing, migrationOutOfOrder, schemaIsNewer } from './errors.js';
import type { Migration, RecordedMigration } from './migration.js';

/**
 * Which migrations are still to run, in order. Pure.
 *
 * Invariant: what it answers is exactly the end of `migrations` that comes after everything recorded; a past that is not the one in the
 * files is never guessed about. Throws HF_MIGRATION_CHANGED, HF_MIGRATION_MISSING, HF_MIGRATION_OUT_OF_ORDER, HF_MIGRATIONS_NEWER.
 */
export function planMigrations(
  migrations: readonly Migration[],
  recorded: readonly RecordedMigration[],
): readonly Migration[] {
  const byVersion = new Map(migrations.map((migration) => [migration.version, migration]));
  const newest = Math.max(0, ...migrations.map(({ version }) => version));
  for (const past of recorded) {
    const file = byVersion.get(past.version);
    if (file === undefined && past.version > newest) throw schemaIsNewer(past, newest);
    if (file === undefined) {
      const renumbered = migrations.find(({ checksum }) => checksum === past.checksum);
      throw migrationMissing(past, renumbered);
    }
    if (file.checksum !== past.checksum) throw migrationChanged(file, past);
  }
  const done = new Set(recorded.map(({ version }) => version));
  const last = Math.max(0, ...done);
  const pending = migrations.filter(({ version }) => !done.has(version));
  const late = pending.find(({ version }) => version < last);
  if (late !== undefined) throw migrationOutOfOrder(late, last);
  return pending;
}
