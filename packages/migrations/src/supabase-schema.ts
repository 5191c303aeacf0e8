import { fileURLToPath } from 'node:url';
import type { Migration } from './migration.js';
import { readMigrations } from './read-migrations.js';

const folder = (name: string) => fileURLToPath(new URL(`../../../database/${name}`, import.meta.url));

/** A database that Supabase's parts use, and what makes it ready for them. */
export interface SchemaOfDatabase {
  readonly database: 'postgres' | '_supabase';
  readonly migrations: readonly Migration[];
}

/** The project's own database first: the roles, which the other one's objects belong to, are made there. */
export async function readSupabaseSchema(): Promise<readonly SchemaOfDatabase[]> {
  return [
    { database: 'postgres', migrations: await readMigrations(folder('migrations')) },
    { database: '_supabase', migrations: await readMigrations(folder('_supabase')) },
  ];
}
