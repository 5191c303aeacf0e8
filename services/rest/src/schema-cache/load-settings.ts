import type { Database } from '@holdfast/postgres';
import type { RestSettings, RoleSettings } from '../settings.js';
import { applyInDatabaseSettings } from './in-database-settings.js';
import { readIsolation } from './routines.js';

export interface LoadedSettings {
  readonly settings: RestSettings;
  /** By role, only of those that the login role may become; settings that it may not set are left out. */
  readonly roleSettings: ReadonlyMap<string, RoleSettings>;
}

/** `ALTER ROLE … SET pgrst.…` of the login role; what is set for this database only goes before what is set everywhere. */
const ownSettings = `
  select distinct on (split_part(setting, '=', 1)) split_part(setting, '=', 1) as name, substr(setting, strpos(setting, '=') + 1) as value
  from pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) setting
  where s.setrole = current_user::pg_catalog.regrole
    and s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_catalog))
    and (setting like 'pgrst.%' or setting like 'app.settings.%')
  order by split_part(setting, '=', 1), s.setdatabase desc`;

/** What a login role may set is up to PostgreSQL: user settings, and those that it was granted (PostgreSQL 15 and later). */
const settingsOfRoles = `
  select r.rolname as role, split_part(config.entry, '=', 1) as name, substr(config.entry, strpos(config.entry, '=') + 1) as value
  from pg_catalog.pg_roles r
  join pg_catalog.pg_auth_members m on m.roleid = r.oid and m.member = current_user::pg_catalog.regrole
  cross join pg_catalog.unnest(r.rolconfig) config(entry)
  join pg_catalog.pg_settings s on s.name = split_part(config.entry, '=', 1)
  where s.context = 'user' or pg_catalog.has_parameter_privilege(current_user, s.name, 'set')`;

/** Settings that lie in the database, over those given. One round trip. */
export async function loadSettings(
  database: Database,
  given: RestSettings,
  signal: AbortSignal,
): Promise<LoadedSettings> {
  const [own, roles] = await database.pipeline(
    [{ text: ownSettings }, { text: settingsOfRoles }],
    { access: 'read only', repeatable: true },
    signal,
  );
  const pairs = (own?.rows ?? []).map(([name, value]) => [name ?? '', value ?? ''] as const);
  return { settings: applyInDatabaseSettings(given, pairs), roleSettings: readRoleSettings(roles?.rows ?? []) };
}

function readRoleSettings(rows: readonly (readonly (string | null)[])[]): ReadonlyMap<string, RoleSettings> {
  const byRole = new Map<string, RoleSettings>();
  for (const [role, name, value] of rows) {
    if (typeof role !== 'string' || typeof name !== 'string' || typeof value !== 'string') continue;
    const known = byRole.get(role) ?? { isolation: null, settings: [] };
    const isIsolation = name === 'default_transaction_isolation';
    byRole.set(
      role,
      isIsolation
        ? { ...known, isolation: readIsolation(value) }
        : { ...known, settings: [...known.settings, { name, value }] },
    );
  }
  return byRole;
}
