import type { Cancellation, Database } from '@holdfast/postgres';
import { maxAffectedExceeded, notSingular, putMismatch } from '../errors/request-errors.js';
import { type RequestContext, searchPathOf } from '../execute/context-statement.js';
import { type RequestResult, type RequestStatement, runRequest } from '../execute/run-request.js';
import type { StatementNames } from '../execute/statement-names.js';
import type { HttpRequest, RequestHead } from '../request/api-request.js';
import type { Pair } from '../request/query-string.js';
import { fillSlots } from '../request/slot.js';
import type { Answer } from '../respond/answer.js';
import type { RowsResult } from '../respond/respond.js';
import type { ServerTiming } from '../respond/server-timing.js';
import type { LoadedSchema } from '../schema-cache/watch-schema-cache.js';
import { brokenGuard } from '../sql/guard-sql.js';
import type { MainStatement } from '../sql/statement-sql.js';
import type { PreparedRequest } from './prepared-request.js';

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
  readonly signal: Cancellation;
  /** Told when planning and the transaction are done; undefined: nobody measures. */
  readonly timing: ServerTiming | undefined;
}

/** A request with all that is needed to answer it. */
export interface Work {
  readonly http: HttpRequest;
  readonly head: RequestHead;
  readonly identity: Identity;
  readonly environment: RequestEnvironment;
}

/** What one request has for itself. */
export interface Given {
  /** For the slots. */
  readonly values: readonly (string | null)[];
  /** The parameters of the query string as they came. */
  readonly pairs: readonly Pair[];
}

/** Runs it in one transaction. Throws RestError, or what the database rejected with. */
export async function runPrepared(work: Work, prepared: PreparedRequest, { values, pairs }: Given): Promise<Answer> {
  const { head, identity, environment } = work;
  const { settings, roleSettings } = environment.loaded;
  const { main, estimate, media, access, repeatable, routine } = prepared;
  environment.timing?.ended('plan');
  const role = roleSettings.get(identity.role);
  let result: RequestResult;
  try {
    result = await runRequest(
      environment.database,
      environment.names,
      {
        context: contextOf(work, [...(role?.settings ?? []), ...(routine?.settings ?? [])]),
        preRequest: settings.preRequest,
        main: filled(main, values),
        plan: media.plan,
        estimate: estimate === undefined ? undefined : filled(estimate, values),
        access,
        repeatable,
        isolation: routine?.isolation ?? role?.isolation ?? 'read committed',
        end: endOf(head, settings.transactionEnd),
        replica: environment.readReplica && access === 'read only',
      },
      environment.signal,
    );
  } catch (error) {
    const broken = brokenGuard(error);
    if (broken === undefined) throw error;
    if (broken.kind === 'one') throw putMismatch();
    throw broken.kind === 'singular' ? notSingular(broken.rows) : maxAffectedExceeded(broken.rows);
  } finally {
    environment.timing?.ended('transaction');
  }
  return prepared.answer(result.kind === 'rows' ? withLimitedEstimate(result, head, settings.maxRows) : result, pairs);
}

function filled({ text, values }: MainStatement, given: Given['values']): RequestStatement {
  return { text, values: fillSlots(values, given) };
}

/** An estimate counts only where there are more rows than may be read, since so far the count is exact. */
function withLimitedEstimate(result: RowsResult, { preferences }: RequestHead, maxRows: number | null): RowsResult {
  const isExact = preferences.count === 'estimated' && maxRows !== null && (result.total ?? 0) <= maxRows;
  return isExact ? { ...result, estimate: undefined } : result;
}

export function contextOf(
  { http, head, identity, environment }: Work,
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
    searchPath: searchPathOf(head.schema, extraSearchPath),
    timeZone: head.preferences.timeZone,
    settings: [...settings, ...app],
  };
}

function withoutCookie({ cookie: _, ...headers }: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return headers;
}

function cookiesOf(header: string): Record<string, string> {
  const pairs = header.split(';').flatMap((part) => {
    const equals = part.indexOf('=');
    return equals < 0 ? [] : [[part.slice(0, equals).trim(), part.slice(equals + 1).trim()] as const];
  });
  return Object.fromEntries(pairs);
}

function endOf(
  { preferences: { transaction } }: RequestHead,
  end: LoadedSchema['settings']['transactionEnd'],
): 'commit' | 'rollback' {
  return transaction ?? (end.startsWith('rollback') ? 'rollback' : 'commit');
}
