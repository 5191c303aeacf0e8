import { defaultSettings, type RestSettings } from '../../src/settings.js';

const base: RestSettings = {
  ...defaultSettings,
  schemas: ['test'],
  anonymousRole: 'postgrest_test_anonymous',
  extraSearchPath: [],
  transactionEnd: 'rollback-allow-override',
  preRequest: { schema: 'test', name: 'switch_role' },
  jwtSecret: 'reallyreallyreallyreallyverysafe',
  serverTiming: true,
  appSettings: new Map([
    ['app_host', 'localhost'],
    ['external_api_secret', '0123456789abcdef'],
  ]),
};

const changes: Readonly<Record<string, Partial<RestSettings>>> = {
  base: {},
  aggregates: { aggregatesEnabled: true },
  'max-rows': { maxRows: 2 },
  'multi-schema': { schemas: ['v1', 'v2', 'SPECIAL "@/\\#~_-'] },
  'extra-search-path': { extraSearchPath: ['public', 'extensions', 'EXTRA "@/\\#~_-'] },
  unicode: { schemas: ['تست'] },
  'pre-request-headers': { preRequest: { schema: 'test', name: 'custom_headers' } },
  'aud-jwt': { jwtAudience: 'youraudience' },
  'no-anon': { anonymousRole: null },
  'no-jwt-secret': { jwtSecret: null },
  'root-spec': { rootSpec: { schema: 'test', name: 'root' } },
  'openapi-disabled': { openApiMode: 'disabled' },
  'trace-header': { traceHeader: 'X-Request-Id' },
};

/** What each group of PostgREST's cases expects of the server. Throws for a group that is not known. */
export function caseSettings(group: string): RestSettings {
  const change = changes[group];
  if (change === undefined) throw new Error(`no settings for the cases of ${group}`);
  return { ...base, ...change };
}
