/** One file of supabase/migrations, as the Supabase CLI names it: `20260101120000_create_posts.sql`. */
export interface ProjectMigration {
  /** The digits that its name begins with; ordered as text, as the Supabase CLI does. */
  readonly version: string;
  readonly name: string;
  readonly path: string;
  readonly sql: string;
}

/** A row of supabase_migrations.schema_migrations. */
export interface RecordedProjectMigration {
  readonly version: string;
  readonly name: string | null;
  /** What ran; null where an old version of the Supabase CLI recorded the version alone. */
  readonly statements: readonly string[] | null;
}

/**
 * Whether a file is what ran. The Supabase CLI cuts files into statements and trims them, so spaces and semicolons do not count.
 * Undefined: the record does not say.
 */
export function isSameAs(file: ProjectMigration, recorded: RecordedProjectMigration): boolean | undefined {
  if (recorded.statements === null) return undefined;
  return essence(file.sql) === essence(recorded.statements.join(';'));
}

function essence(sql: string): string {
  return sql.replaceAll(/[\s;]+/g, '');
}
