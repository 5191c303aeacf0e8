import type { Database } from '@holdfast/postgres';
import {
  invalidPreferences,
  maxAffectedExceeded,
  maxAffectedNeedsSet,
  notSingular,
  putMismatch,
} from './errors/request-errors.js';
import type { RequestContext } from './execute/context-statement.js';
import { type RequestResult, type RequestTransaction, runRequest } from './execute/run-request.js';
import type { StatementNames } from './execute/statement-names.js';
import { type ChosenMedia, chooseMedia } from './media/choose-media.js';
import { argumentNames, planCall } from './plan/plan-call.js';
import { planMutation } from './plan/plan-mutation.js';
import { planRead } from './plan/plan-read.js';
import { hasDefaultSelect, type ReadNode } from './plan/read-plan.js';
import type { ApiRequest, HttpRequest } from './request/api-request.js';
import { allRows } from './request/row-range.js';
import type { Target } from './request/target.js';
import type { Answer } from './respond/answer.js';
import {
  type RespondContext,
  type RowsResult,
  respondCall,
  respondMutation,
  respondPlan,
  respondRead,
} from './respond/respond.js';
import { findRoutine, findTable } from './schema-cache/find.js';
import { nameKey, type Routine } from './schema-cache/types.js';
import type { LoadedSchema } from './schema-cache/watch-schema-cache.js';
import type { Handler } from './sql/answer-sql.js';
import { brokenGuard, type Guard } from './sql/guard-sql.js';
import {
  type CountOptions,
  callStatement,
  estimateStatement,
  type MainStatement,
  mutationStatement,
  readStatement,
} from './sql/statement-sql.js';

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

interface Work {
  readonly http: HttpRequest;
  readonly request: ApiRequest;
  readonly identity: Identity;
  readonly environment: RequestEnvironment;
}

/** Reads, changes and calls. Throws RestError, or what the database rejected with. */
export async function handleRequest(
  http: HttpRequest,
  request: ApiRequest,
  identity: Identity,
  environment: RequestEnvironment,
): Promise<Answer> {
  const work: Work = { http, request, identity, environment };
  const { target } = request;
  switch (target.kind) {
    case 'read':
      return handleRead(work, target);
    case 'mutation':
      return handleMutation(work, target);
    case 'call':
      return handleCall(work, target.routine, target.method);
    case 'root':
    case 'info':
      throw new Error('the root and OPTIONS need no transaction of this kind');
  }
}

async function handleRead(work: Work, target: Extract<Target, { kind: 'read' }>): Promise<Answer> {
  const { request, environment } = work;
  const { schemaCache: cache, settings } = environment.loaded;
  const table = findTable(cache, { schema: request.schema, name: target.table });
  const root = planRead({
    cache,
    table,
    query: request.query,
    from: 'table',
    rootFilters: true,
    rootRange: request.range,
    maxRows: settings.maxRows,
    aggregatesEnabled: settings.aggregatesEnabled,
  });
  const media = mediaFor(work, table, root);
  judgePreferences(request);
  const handler = target.isHead ? none : media.handler;
  const main = readStatement(root, { handler, count: countOf(request, settings.maxRows) });
  const result = await execute(work, { main, media, root, access: 'read only', routine: undefined });
  const context = respondContext(request, media, root, target.isHead);
  if (result.kind === 'plan') return respondPlan(result.text, context);
  judgeSingle(media, result);
  return respondRead(result, table.name, context);
}

async function handleMutation(work: Work, target: Extract<Target, { kind: 'mutation' }>): Promise<Answer> {
  const { request, environment } = work;
  const { preferences, query } = request;
  const { schemaCache: cache, settings } = environment.loaded;
  const table = findTable(cache, { schema: request.schema, name: target.table });
  const root = planRead({
    cache,
    table,
    query,
    from: 'source',
    rootFilters: false,
    rootRange: allRows,
    maxRows: null,
    aggregatesEnabled: settings.aggregatesEnabled,
  });
  const plan = planMutation({
    method: target.method,
    cache,
    table,
    query,
    preferences,
    body: request.body,
    read: root,
  });
  judgePreferences(request);
  const media = mediaFor(work, table, root);
  const full = preferences.representation === 'representation';
  const main = mutationStatement(plan, root, {
    handler: full ? media.handler : none,
    guard: mutationGuard(request, target.method, media),
    location: target.method === 'POST' && preferences.representation === 'headers-only',
  });
  const result = await execute(work, { main, media, root: undefined, access: 'read write', routine: undefined });
  const context = respondContext(request, media, root, false);
  if (result.kind === 'plan') return respondPlan(result.text, context);
  const change = { method: target.method, table: table.name, hasKey: table.primaryKey.length > 0 };
  return respondMutation(result, change, context);
}

function mutationGuard({ preferences }: ApiRequest, method: string, media: ChosenMedia): Guard | undefined {
  if (method === 'PUT') return { kind: 'one' };
  if (isSingle(media)) return { kind: 'singular' };
  return method === 'POST' ? undefined : affectedGuard(preferences);
}

function affectedGuard({ handling, maxAffected }: ApiRequest['preferences']): Guard | undefined {
  return handling === 'strict' && maxAffected !== undefined ? { kind: 'most', rows: maxAffected } : undefined;
}

/** @param name Of the function in the request's schema. */
export async function handleCall(work: Work, name: string, method: 'GET' | 'HEAD' | 'POST'): Promise<Answer> {
  const { request, environment } = work;
  const { preferences, query } = request;
  const { schemaCache: cache, settings } = environment.loaded;
  const routine = routineOf(request, environment.loaded, name);
  const { returns } = routine;
  const relation = {
    schema: routine.schema,
    name: returns.kind === 'composite' && !returns.isCompositeAlias ? returns.type.name : routine.name,
  };
  const root = planRead({
    cache,
    table: relation,
    query,
    from: 'source',
    rootFilters: true,
    rootRange: request.range,
    maxRows: settings.maxRows,
    aggregatesEnabled: settings.aggregatesEnabled,
  });
  const media = mediaFor(work, relation, root);
  judgePreferences(request);
  if (affectedGuard(preferences) !== undefined && !returns.isSet) throw maxAffectedNeedsSet();
  const writes = method === 'POST' && routine.volatility === 'volatile';
  const single = isSingle(media);
  const guard = !writes ? undefined : single ? ({ kind: 'singular' } as const) : affectedGuard(preferences);
  const main = callStatement(planCall(routine, query, request.body), root, {
    handler: method === 'HEAD' || returns.kind === 'void' ? none : media.handler,
    guard,
    count: countOf(request, settings.maxRows),
    table: cache.tables.get(nameKey(relation)),
  });
  const access = writes ? 'read write' : 'read only';
  const result = await execute(work, { main, media, root: undefined, access, routine });
  const context = respondContext(request, media, root, method === 'HEAD');
  if (result.kind === 'plan') return respondPlan(result.text, context);
  judgeSingle(media, result);
  if (
    preferences.handling === 'strict' &&
    preferences.maxAffected !== undefined &&
    result.count > preferences.maxAffected
  ) {
    throw maxAffectedExceeded(result.count);
  }
  return respondCall(result, returns.kind === 'void', context);
}

const bodyKinds = {
  'application/json': 'json',
  'text/plain': 'text',
  'text/xml': 'xml',
  'application/octet-stream': 'bytea',
} as const;

/** The overload that the request's arguments choose. Throws PGRST202 and 203. */
export function routineOf(
  { schema, query, body, contentType }: ApiRequest,
  loaded: LoadedSchema,
  name: string,
): Routine {
  const kind =
    body === undefined || body.kind === 'form' ? undefined : bodyKinds[contentType as keyof typeof bodyKinds];
  return findRoutine(loaded.schemaCache, {
    routine: { schema, name },
    argumentNames: [...argumentNames(query, body)],
    body: kind ?? null,
  });
}

const none: Handler = { kind: 'none' };

function mediaFor(
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

function isSingle({ handler, plan }: ChosenMedia): boolean {
  return plan === undefined && handler.kind === 'json' && handler.single;
}

function judgeSingle(media: ChosenMedia, { count }: RowsResult): void {
  if (isSingle(media) && count !== 1) throw notSingular(count);
}

function judgePreferences({ preferences: { handling, invalid } }: ApiRequest): void {
  if (handling === 'strict' && invalid.length > 0) throw invalidPreferences(invalid);
}

function countOf({ preferences: { count } }: ApiRequest, maxRows: number | null): CountOptions | undefined {
  if (count === 'exact') return { limit: null };
  // One more than may be read already tells that the estimate is wanted.
  return count === 'estimated' ? { limit: maxRows === null ? null : maxRows + 1 } : undefined;
}

function respondContext(request: ApiRequest, media: ChosenMedia, root: ReadNode, isHead: boolean): RespondContext {
  const { preferences, query, profile } = request;
  return { preferences, query, range: root.range, contentType: media.contentType, profile, isHead };
}

interface Transaction {
  readonly main: MainStatement;
  readonly media: ChosenMedia;
  /** Whose rows may be estimated; undefined: none. */
  readonly root: ReadNode | undefined;
  readonly access: RequestTransaction['access'];
  readonly routine: Routine | undefined;
}

async function execute(work: Work, { main, media, root, access, routine }: Transaction): Promise<RequestResult> {
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
function withLimitedEstimate(result: RowsResult, { preferences }: ApiRequest, maxRows: number | null): RowsResult {
  const isExact = preferences.count === 'estimated' && maxRows !== null && (result.total ?? 0) <= maxRows;
  return isExact ? { ...result, estimate: undefined } : result;
}

export function contextOf(
  { http, request, identity, environment }: Work,
  settings: readonly { readonly name: string; readonly value: string }[],
): RequestContext {
  const { cookie, ...headers } = http.headers;
  const { extraSearchPath, appSettings } = environment.loaded.settings;
  const app = [...appSettings].map(([name, value]) => ({ name: `app.settings.${name}`, value }));
  return {
    role: identity.role,
    claims: identity.claims,
    method: http.method,
    path: http.path,
    headers,
    cookies: cookie === undefined ? {} : cookiesOf(cookie),
    searchPath: [request.schema, ...extraSearchPath.filter((schema) => schema !== request.schema)],
    timeZone: request.preferences.timeZone,
    settings: [...settings, ...app],
  };
}

function cookiesOf(header: string): Record<string, string> {
  const pairs = header.split(';').flatMap((part) => {
    const equals = part.indexOf('=');
    return equals < 0 ? [] : [[part.slice(0, equals).trim(), part.slice(equals + 1).trim()] as const];
  });
  return Object.fromEntries(pairs);
}

function endOf(
  { preferences: { transaction } }: ApiRequest,
  end: LoadedSchema['settings']['transactionEnd'],
): 'commit' | 'rollback' {
  return transaction ?? (end.startsWith('rollback') ? 'rollback' : 'commit');
}
