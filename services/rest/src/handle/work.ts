import type { Database } from '@holdfast/postgres';
import { invalidPreferences, maxAffectedExceeded, notSingular, putMismatch } from '../errors/request-errors.js';
import type { RequestContext } from '../execute/context-statement.js';
import { type RequestResult, type RequestTransaction, runRequest } from '../execute/run-request.js';
import type { StatementNames } from '../execute/statement-names.js';
import { type ChosenMedia, chooseMedia } from '../media/choose-media.js';
import { hasDefaultSelect, type ReadNode } from '../plan/read-plan.js';
import type { ApiRequest, HttpRequest } from '../request/api-request.js';
import type { RespondContext, RowsResult } from '../respond/respond.js';
import type { Routine } from '../schema-cache/types.js';
import type { LoadedSchema } from '../schema-cache/watch-schema-cache.js';
import type { Handler } from '../sql/answer-sql.js';
import { brokenGuard, type Guard } from '../sql/guard-sql.js';
import { type CountOptions, estimateStatement, type MainStatement } from '../sql/statement-sql.js';

/** Who asks, as the token tells. */
export interface Identity {
  readonly role: string;
  /** JSON text. */
  readonly claims: string;
}

export interface RequestEnvironment {
  readonly database: Database;
  readonly names: StatementNames;
  readonly loaded: LoadedSchema;
  /** Whether reads may run on a replica. */
  readonly readReplica: boolean;
  readonly signal: AbortSignal;
  /** Told when planning is done. */
  readonly onPlanned?: () => void;
  /** Told when the transaction is done. */
  readonly onExecuted?: () => void;
}

/** A request with all that is needed to answer it. */
export interface Work {
  readonly http: HttpRequest;
  readonly request: ApiRequest;
  readonly identity: Identity;
  readonly environment: RequestEnvironment;
}

export function affectedGuard({ handling, maxAffected }: ApiRequest['preferences']): Guard | undefined {
  return handling === 'strict' && maxAffected !== undefined ? { kind: 'most', rows: maxAffected } : undefined;
}

export const none: Handler = { kind: 'none' };

export function mediaFor(
  { http, environment }: Work,
  relation: { schema: string; name: string },
  root: ReadNode,
): ChosenMedia {
  return chooseMedia(http.headers.accept, {
    cache: environment.loaded.schemaCache,
    relation,
    defaultSelect: hasDefaultSelect(root),
    planEnabled: environment.loaded.settings.planEnabled,
  });
}

export function isSingle({ handler, plan }: ChosenMedia): boolean {
  return plan === undefined && handler.kind === 'json' && handler.single;
}

export function judgeSingle(media: ChosenMedia, { count }: RowsResult): void {
  if (isSingle(media) && count !== 1) throw notSingular(count);
}

export function judgePreferences({ preferences: { handling, invalid } }: ApiRequest): void {
  if (handling === 'strict' && invalid.length > 0) throw invalidPreferences(invalid);
}

export function countOf({ preferences: { count } }: ApiRequest, maxRows: number | null): CountOptions | undefined {
  if (count === 'exact') return { limit: null };
  // One more than may be read already tells that the estimate is wanted.
  return count === 'estimated' ? { limit: maxRows === null ? null : maxRows + 1 } : undefined;
}

export function respondContext(
  request: ApiRequest,
  media: ChosenMedia,
  root: ReadNode,
  isHead: boolean,
): RespondContext {
  const { preferences, query, profile } = request;
  return { preferences, query, range: root.range, contentType: media.contentType, profile, isHead };
}

export interface Transaction {
  readonly main: MainStatement;
  readonly media: ChosenMedia;
  /** Whose rows may be estimated; undefined: none. */
  readonly root: ReadNode | undefined;
  readonly access: RequestTransaction['access'];
  readonly repeatable: boolean;
  readonly routine: Routine | undefined;
}

export async function execute(
  work: Work,
  { main, media, root, access, repeatable, routine }: Transaction,
): Promise<RequestResult> {
  const { request, identity, environment } = work;
  const { settings, roleSettings } = environment.loaded;
  const { count } = request.preferences;
  environment.onPlanned?.();
  const role = roleSettings.get(identity.role);
  const estimates = root !== undefined && media.plan === undefined && (count === 'planned' || count === 'estimated');
  try {
    const result = await runRequest(
      environment.database,
      environment.names,
      {
        context: contextOf(work, [...(role?.settings ?? []), ...(routine?.settings ?? [])]),
        preRequest: settings.preRequest,
        main,
        plan: media.plan,
        estimate: estimates ? estimateStatement(root) : undefined,
        access,
        repeatable,
        isolation: routine?.isolation ?? role?.isolation ?? 'read committed',
        end: endOf(request, settings.transactionEnd),
        replica: environment.readReplica && access === 'read only',
      },
      environment.signal,
    );
    return result.kind === 'rows' ? withLimitedEstimate(result, request, settings.maxRows) : result;
  } catch (error) {
    const broken = brokenGuard(error);
    if (broken === undefined) throw error;
    if (broken.kind === 'one') throw putMismatch();
    throw broken.kind === 'singular' ? notSingular(broken.rows) : maxAffectedExceeded(broken.rows);
  } finally {
    environment.onExecuted?.();
  }
}

/** An estimate counts only where there are more rows than may be read, since so far the count is exact. */
export function withLimitedEstimate(
  result: RowsResult,
  { preferences }: ApiRequest,
  maxRows: number | null,
): RowsResult {
  const isExact = preferences.count === 'estimated' && maxRows !== null && (result.total ?? 0) <= maxRows;
  return isExact ? { ...result, estimate: undefined } : result;
}

export function contextOf(
  { http, request, identity, environment }: Work,
  settings: readonly { readonly name: string; readonly value: string }[],
): RequestContext {
  const { cookie } = http.headers;
  const { extraSearchPath, appSettings } = environment.loaded.settings;
  const app =
    appSettings.size === 0 ? [] : [...appSettings].map(([name, value]) => ({ name: `app.settings.${name}`, value }));
  return {
    role: identity.role,
    claims: identity.claims,
    method: http.method,
    path: http.path,
    headers: cookie === undefined ? http.headers : withoutCookie(http.headers),
    cookies: cookie === undefined ? {} : cookiesOf(cookie),
    searchPath: [request.schema, ...extraSearchPath.filter((schema) => schema !== request.schema)],
    timeZone: request.preferences.timeZone,
    settings: [...settings, ...app],
  };
}

function withoutCookie({ cookie: _, ...headers }: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return headers;
}

export function cookiesOf(header: string): Record<string, string> {
  const pairs = header.split(';').flatMap((part) => {
    const equals = part.indexOf('=');
    return equals < 0 ? [] : [[part.slice(0, equals).trim(), part.slice(equals + 1).trim()] as const];
  });
  return Object.fromEntries(pairs);
}

export function endOf(
  { preferences: { transaction } }: ApiRequest,
  end: LoadedSchema['settings']['transactionEnd'],
): 'commit' | 'rollback' {
  return transaction ?? (end.startsWith('rollback') ? 'rollback' : 'commit');
}
