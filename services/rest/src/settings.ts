import type { QualifiedName } from './schema-cache/types.js';

/** What the service is told; names and meanings follow PostgREST's configuration, whose name stands beside each. Times in seconds. */
export interface RestSettings {
  /** db-schemas: the first is the default. */
  readonly schemas: readonly [string, ...string[]];
  /** db-anon-role; null: a token is needed. */
  readonly anonymousRole: string | null;
  /** db-extra-search-path */
  readonly extraSearchPath: readonly string[];
  /** db-max-rows */
  readonly maxRows: number | null;
  /** db-plan-enabled */
  readonly planEnabled: boolean;
  /** db-aggregates-enabled */
  readonly aggregatesEnabled: boolean;
  /** db-pre-request */
  readonly preRequest: QualifiedName | null;
  /** db-root-spec */
  readonly rootSpec: QualifiedName | null;
  /** db-tx-end */
  readonly transactionEnd: 'commit' | 'commit-allow-override' | 'rollback' | 'rollback-allow-override';
  /** db-hoisted-tx-settings: settings on functions that hold for the whole transaction. */
  readonly hoistedSettings: readonly string[];
  /** db-timezone-enabled */
  readonly timeZoneEnabled: boolean;
  /** openapi-mode */
  readonly openApiMode: 'follow-privileges' | 'ignore-privileges' | 'disabled';
  /** openapi-security-active */
  readonly openApiSecurityActive: boolean;
  /** openapi-server-proxy-uri */
  readonly openApiServerProxyUri: string | null;
  /** jwt-secret: a secret, a JWK or a JWKS as JSON; null: no token can be checked. */
  readonly jwtSecret: string | null;
  /** jwt-secret-is-base64 */
  readonly jwtSecretIsBase64: boolean;
  /** jwt-aud */
  readonly jwtAudience: string | null;
  /** jwt-role-claim-key: a JSPath such as `.role` or `."https://x/roles"[0]`. */
  readonly jwtRoleClaimKey: string;
  /** jwt-cache-max-entries; 0: none are kept. */
  readonly jwtCacheEntries: number;
  /** server-cors-allowed-origins; null: all. */
  readonly allowedOrigins: readonly string[] | null;
  /** server-trace-header */
  readonly traceHeader: string | null;
  /** server-timing-enabled */
  readonly serverTiming: boolean;
  /** client-error-verbosity: `minimal` leaves details and hints out. */
  readonly errorVerbosity: 'verbose' | 'minimal';
  /** app.settings.*: given to SQL under these names, `app.settings.` left out. */
  readonly appSettings: ReadonlyMap<string, string>;
}

export const defaultSettings: RestSettings = {
  schemas: ['public'],
  anonymousRole: null,
  extraSearchPath: ['public'],
  maxRows: null,
  planEnabled: false,
  aggregatesEnabled: false,
  preRequest: null,
  rootSpec: null,
  transactionEnd: 'commit',
  hoistedSettings: ['statement_timeout', 'plan_filter.statement_cost_limit', 'default_transaction_isolation'],
  timeZoneEnabled: true,
  openApiMode: 'follow-privileges',
  openApiSecurityActive: false,
  openApiServerProxyUri: null,
  jwtSecret: null,
  jwtSecretIsBase64: false,
  jwtAudience: null,
  jwtRoleClaimKey: '.role',
  jwtCacheEntries: 1000,
  allowedOrigins: null,
  traceHeader: null,
  serverTiming: false,
  errorVerbosity: 'verbose',
  appSettings: new Map(),
};

/** Settings of one role that the login role may set: held for each of its transactions. */
export interface RoleSettings {
  readonly isolation: 'read committed' | 'repeatable read' | 'serializable' | null;
  readonly settings: readonly { readonly name: string; readonly value: string }[];
}
