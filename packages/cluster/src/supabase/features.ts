import { netRole } from '@holdfast/components';
import { type Connection, connect } from '@holdfast/postgres';
import type { ClusterContext } from '../context.js';
import { withPrimary } from '../up/with-primary.js';
import { type MigrateOptions, planSupabase, type SchemaStep } from './migrate.js';

/**
 * - `ready`: it is there
 * - `stand-in`: Holdfast's own equivalent in SQL, with the same names and signatures
 * - `can be created`: its package is installed; CREATE EXTENSION makes it
 * - `must be loaded`: its package is installed, and PostgreSQL must load it from its start
 * - `not available`: there is no package and no equivalent
 */
export type FeatureState = 'ready' | 'stand-in' | 'can be created' | 'must be loaded' | 'not available';

export interface Feature {
  readonly name: string;
  readonly state: FeatureState;
  readonly version: string | undefined;
  /** What it means for an application, or what to do. */
  readonly note: string;
}

/** What the server says about extensions. */
export interface ExtensionFacts {
  readonly extensions: ReadonlyMap<string, { readonly installed: string | undefined; readonly available: string }>;
  readonly preloaded: readonly string[];
  readonly hasWal2json: boolean;
  /** `output_plugin_libraries`; undefined: a PostgreSQL that trusts whatever is installed. */
  readonly outputPlugins: readonly string[] | undefined;
  readonly hasStandIn: (name: 'pgjwt' | 'pg_net') => boolean;
  /** Of pg_net's stand-in. */
  readonly requests: RequestsStatus | undefined;
}

/** The queue of requests from SQL. */
export interface RequestsStatus {
  /** Those under way counted; at most `countedRequests`. */
  readonly waiting: number;
  /** Connected ones. */
  readonly workers: number;
}

const countedRequests = 100_000;

const preloadNeeded = new Set(['pg_stat_statements', 'pg_cron', 'pgaudit', 'pg_net', 'supabase_vault', 'pgsodium']);

const wanted: readonly { readonly name: string; readonly package?: string; readonly without: string }[] = [
  { name: 'uuid-ossp', without: 'part of postgresql-contrib' },
  { name: 'pgcrypto', without: 'part of postgresql-contrib' },
  { name: 'pg_stat_statements', without: 'part of postgresql-contrib' },
  { name: 'pg_cron', package: 'cron', without: 'no scheduled jobs' },
  { name: 'pgaudit', package: 'pgaudit', without: 'no audit log of statements' },
  { name: 'postgis', package: 'postgis-3', without: 'no geography' },
  { name: 'pgtap', package: 'pgtap', without: 'no tests in SQL' },
  { name: 'pgjwt', without: 'no tokens in SQL' },
  { name: 'pg_net', without: 'no requests from SQL' },
  { name: 'pg_graphql', without: 'no GraphQL; graphql_public.graphql says so' },
  { name: 'supabase_vault', without: 'no encrypted secrets in SQL' },
  { name: 'pgsodium', without: 'no libsodium in SQL; pgcrypto is there' },
];

/** Pure. */
export function describeFeatures(facts: ExtensionFacts, major: number): readonly Feature[] {
  const features = wanted.map((each): Feature => {
    const { name, without } = each;
    const extension = facts.extensions.get(name);
    const loaded = !preloadNeeded.has(name) || facts.preloaded.includes(name);
    if (extension?.installed !== undefined)
      return loaded
        ? { name, state: 'ready', version: extension.installed, note: '' }
        : { name, state: 'must be loaded', version: extension.installed, note: addPreload(facts, name) };
    if ((name === 'pgjwt' || name === 'pg_net') && extension === undefined && facts.hasStandIn(name))
      return { name, state: 'stand-in', version: undefined, note: describeStandIn(name, facts) };
    if (extension !== undefined)
      return loaded
        ? { name, state: 'can be created', version: extension.available, note: createExtension(name) }
        : { name, state: 'must be loaded', version: extension.available, note: addPreload(facts, name) };
    const install = each.package === undefined ? '' : `; apt-get install postgresql-${major}-${each.package}`;
    return { name, state: 'not available', version: undefined, note: `${without}${install}` };
  });
  return [...features, describeWal2json(facts, major)];
}

function describeWal2json({ hasWal2json, outputPlugins }: ExtensionFacts, major: number): Feature {
  const feature = { name: 'wal2json', version: undefined };
  if (!hasWal2json) {
    const note = `no postgres_changes in Realtime; apt-get install postgresql-${major}-wal2json`;
    return { ...feature, state: 'not available', note };
  }
  if (outputPlugins !== undefined && !outputPlugins.includes('wal2json')) {
    const libraries = [...outputPlugins, 'wal2json'].join(', ');
    return { ...feature, state: 'must be loaded', note: `postgres.parameters.output_plugin_libraries: ${libraries}` };
  }
  return { ...feature, state: 'ready', note: '' };
}

function describeStandIn(name: string, { requests }: ExtensionFacts): string {
  const same = 'same names and signatures, in SQL';
  if (name !== 'pg_net' || requests === undefined) return same;
  const { waiting, workers } = requests;
  const queue = `${waiting === countedRequests ? 'at least ' : ''}${waiting} requests wait`;
  return workers > 0
    ? `${same}, with a worker; ${queue}`
    : `${same}; ${queue}, and no worker is connected: holdfast ps; holdfast logs net`;
}

function createExtension(name: string): string {
  return `CREATE EXTENSION ${name}${name === 'pg_cron' ? '' : ' WITH SCHEMA extensions'}`;
}

function addPreload({ preloaded }: ExtensionFacts, name: string): string {
  return `postgres.parameters.shared_preload_libraries: ${[...new Set([...preloaded, name])].join(',')}`;
}

export interface SupabaseStatus {
  /** What `migrateSupabase` would run. */
  readonly pending: readonly SchemaStep[];
  readonly features: readonly Feature[];
  /** Null: there is no queue, or it is pg_net's own. */
  readonly requests: RequestsStatus | null;
}

/** Looks at the primary's database. Throws like planSupabase. */
export async function fetchSupabaseStatus(context: ClusterContext, options: MigrateOptions): Promise<SupabaseStatus> {
  const pending = await planSupabase(context, options);
  return await withPrimary(context, options, async (target, signal) => {
    await using main = await connect(
      { ...target, database: 'postgres' },
      { timeoutMilliseconds: 10_000, statementTimeoutMilliseconds: 30_000, signal },
    );
    const [version] = await main.query<{ major: number }>(
      "SELECT current_setting('server_version_num')::integer / 10000 AS major",
    );
    const facts = await readFacts(main);
    return { pending, features: describeFeatures(facts, version?.major ?? 15), requests: facts.requests ?? null };
  });
}

async function readFacts(main: Connection): Promise<ExtensionFacts> {
  const extensions = await main.query<{ name: string; installed: string | null; available: string }>(
    'SELECT name, installed_version AS installed, default_version AS available FROM pg_available_extensions',
  );
  const [other] = await main.query<{
    preloaded: string;
    plugins: string | null;
    wal2json: boolean;
    pgjwt: boolean;
    pg_net: boolean;
  }>(`
    SELECT
      current_setting('shared_preload_libraries') AS preloaded,
      current_setting('output_plugin_libraries', true) AS plugins,
      (SELECT (pg_stat_file(setting || '/wal2json.so', true)).size IS NOT NULL FROM pg_config WHERE name = 'PKGLIBDIR') AS wal2json,
      to_regprocedure('extensions.sign(json, text, text)') IS NOT NULL AS pgjwt,
      to_regprocedure('net.http_get(text, jsonb, jsonb, integer)') IS NOT NULL AS pg_net
  `);
  return {
    extensions: new Map(
      extensions.map(({ name, installed, available }) => [name, { installed: installed ?? undefined, available }]),
    ),
    preloaded: libraryNames(other?.preloaded ?? ''),
    outputPlugins: typeof other?.plugins === 'string' ? libraryNames(other.plugins) : undefined,
    hasWal2json: other?.wal2json === true,
    hasStandIn: (name) => other?.[name] === true,
    requests: other?.pg_net === true ? await readRequests(main) : undefined,
  };
}

function libraryNames(list: string): readonly string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** Undefined where the queue is not the stand-in's. */
async function readRequests(main: Connection): Promise<RequestsStatus | undefined> {
  const [claims] = await main.query<{ found: boolean }>("SELECT to_regclass('net._http_claim') IS NOT NULL AS found");
  if (claims?.found !== true) return undefined;
  const [row] = await main.query<{ waiting: number; workers: number }>(
    `SELECT (SELECT count(*)::integer FROM (SELECT FROM net.http_request_queue LIMIT ${countedRequests}) AS request) AS waiting,
       (SELECT count(*)::integer FROM pg_stat_activity WHERE usename = $1) AS workers`,
    [netRole],
  );
  return row;
}
