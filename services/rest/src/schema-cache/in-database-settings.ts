import type { RestSettings } from '../settings.js';
import type { QualifiedName } from './types.js';

/** What a value changes; undefined: it is not one that the setting takes, and changes nothing. */
type Reader = (value: string) => Partial<RestSettings> | undefined;

const readers: Readonly<Record<string, Reader>> = {
  db_schemas: (value) => {
    const [first, ...others] = splitList(value);
    return first === undefined ? undefined : { schemas: [first, ...others] };
  },
  db_anon_role: (value) => ({ anonymousRole: value === '' ? null : value }),
  db_extra_search_path: (value) => ({ extraSearchPath: splitList(value) }),
  db_max_rows: (value) => (value === '' ? { maxRows: null } : number(value, (maxRows) => ({ maxRows }))),
  db_plan_enabled: (value) => flag(value, (planEnabled) => ({ planEnabled })),
  db_aggregates_enabled: (value) => flag(value, (aggregatesEnabled) => ({ aggregatesEnabled })),
  db_pre_request: (value) => ({ preRequest: readQualifiedName(value) }),
  db_root_spec: (value) => ({ rootSpec: readQualifiedName(value) }),
  db_tx_end: (value) =>
    oneOf(value, ['commit', 'commit-allow-override', 'rollback', 'rollback-allow-override'], (transactionEnd) => ({
      transactionEnd,
    })),
  db_hoisted_tx_settings: (value) => ({ hoistedSettings: splitList(value) }),
  db_timezone_enabled: (value) => flag(value, (timeZoneEnabled) => ({ timeZoneEnabled })),
  openapi_mode: (value) =>
    oneOf(value, ['follow-privileges', 'ignore-privileges', 'disabled'], (openApiMode) => ({ openApiMode })),
  openapi_security_active: (value) => flag(value, (openApiSecurityActive) => ({ openApiSecurityActive })),
  openapi_server_proxy_uri: (value) => ({ openApiServerProxyUri: value === '' ? null : value }),
  jwt_secret: (value) => ({ jwtSecret: value === '' ? null : value }),
  jwt_secret_is_base64: (value) => flag(value, (jwtSecretIsBase64) => ({ jwtSecretIsBase64 })),
  jwt_aud: (value) => ({ jwtAudience: value === '' ? null : value }),
  jwt_role_claim_key: (value) => ({ jwtRoleClaimKey: value }),
  jwt_cache_max_entries: (value) => number(value, (jwtCacheEntries) => ({ jwtCacheEntries })),
  server_cors_allowed_origins: (value) => ({ allowedOrigins: value === '' ? null : splitList(value) }),
  server_trace_header: (value) => ({ traceHeader: value === '' ? null : value }),
  server_timing_enabled: (value) => flag(value, (serverTiming) => ({ serverTiming })),
  client_error_verbosity: (value) => oneOf(value, ['verbose', 'minimal'], (errorVerbosity) => ({ errorVerbosity })),
};

const appPrefix = 'app.settings.';
const ownPrefix = 'pgrst.';

/** `pairs`: names as in the database (`pgrst.db_schemas`, `app.settings.x`). Unknown names and values that do not fit change nothing. */
export function applyInDatabaseSettings(
  given: RestSettings,
  pairs: readonly (readonly [name: string, value: string])[],
): RestSettings {
  let settings = given;
  const appSettings = new Map(given.appSettings);
  for (const [name, value] of pairs) {
    if (name.startsWith(appPrefix)) appSettings.set(name.slice(appPrefix.length), value);
    if (!name.startsWith(ownPrefix)) continue;
    const key = name.slice(ownPrefix.length);
    const read = Object.hasOwn(readers, key) ? readers[key] : undefined;
    settings = { ...settings, ...read?.(value) };
  }
  return { ...settings, appSettings };
}

/** `schema.name`, or a name that the search path finds; a schema of '' is that. */
export function readQualifiedName(text: string): QualifiedName | null {
  if (text === '') return null;
  const at = text.indexOf('.');
  return at === -1 ? { schema: '', name: text } : { schema: text.slice(0, at), name: text.slice(at + 1) };
}

export function splitList(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function flag(text: string, make: (value: boolean) => Partial<RestSettings>): Partial<RestSettings> | undefined {
  const value = text.toLowerCase();
  return value === 'true' || value === 'false' ? make(value === 'true') : undefined;
}

function number(text: string, make: (value: number) => Partial<RestSettings>): Partial<RestSettings> | undefined {
  return /^\d{1,15}$/.test(text) ? make(Number(text)) : undefined;
}

function oneOf<Choice extends string>(
  text: string,
  choices: readonly Choice[],
  make: (value: Choice) => Partial<RestSettings>,
): Partial<RestSettings> | undefined {
  const choice = choices.find((known) => known === text);
  return choice === undefined ? undefined : make(choice);
}
