import { maxAffectedExceeded, maxAffectedNeedsSet } from '../errors/request-errors.js';
import { argumentNames, planCall } from '../plan/plan-call.js';
import { planRead } from '../plan/plan-read.js';
import type { ApiRequest } from '../request/api-request.js';
import type { Answer } from '../respond/answer.js';
import { respondCall, respondPlan } from '../respond/respond.js';
import { findRoutine } from '../schema-cache/find-routine.js';
import { nameKey, type Routine } from '../schema-cache/types.js';
import type { LoadedSchema } from '../schema-cache/watch-schema-cache.js';
import { callStatement } from '../sql/statement-sql.js';
import {
  affectedGuard,
  countOf,
  execute,
  isSingle,
  judgePreferences,
  judgeSingle,
  mediaFor,
  none,
  respondContext,
  type Work,
} from './work.js';

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
  const result = await execute(work, { main, media, root: undefined, access, repeatable: !writes, routine });
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
