import { maxAffectedExceeded, maxAffectedNeedsSet } from '../errors/request-errors.js';
import { argumentNames, planCall } from '../plan/plan-call.js';
import { planRead } from '../plan/plan-read.js';
import type { ApiRequest } from '../request/api-request.js';
import { respondCall, respondPlan } from '../respond/respond.js';
import { findRoutine } from '../schema-cache/find-routine.js';
import { nameKey, type Routine } from '../schema-cache/types.js';
import type { LoadedSchema } from '../schema-cache/watch-schema-cache.js';
import { callStatement } from '../sql/statement-sql.js';
import {
  affectedGuard,
  countOf,
  isSingle,
  judgePreferences,
  judgeSingle,
  mediaFor,
  none,
  respondContext,
} from './judge-request.js';
import type { Preparation, PreparedRequest } from './prepared-request.js';

/**
 * Throws what `prepareRead` does, and PGRST128, 202 and 203.
 * @param name Of the function in the request's schema.
 */
export function prepareCall(preparation: Preparation, name: string, method: 'GET' | 'HEAD' | 'POST'): PreparedRequest {
  const { request, loaded } = preparation;
  const { preferences, query } = request;
  const { schemaCache: cache, settings } = loaded;
  const routine = routineOf(request, loaded, name);
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
  const media = mediaFor(preparation, relation, root);
  judgePreferences(request);
  if (affectedGuard(preferences) !== undefined && !returns.isSet) throw maxAffectedNeedsSet();
  const writes = method === 'POST' && routine.volatility === 'volatile';
  const single = isSingle(media);
  const guard = !writes ? undefined : single ? ({ kind: 'singular' } as const) : affectedGuard(preferences);
  const context = respondContext(request, media, root, { isHead: method === 'HEAD', heeded: ['max-affected'] });
  const { handling, maxAffected } = preferences;
  return {
    main: callStatement(planCall(routine, query, request.body), root, {
      handler: method === 'HEAD' || returns.kind === 'void' ? none : media.handler,
      guard,
      count: countOf(request, settings.maxRows),
      table: cache.tables.get(nameKey(relation)),
    }),
    estimate: undefined,
    media,
    access: writes ? 'read write' : 'read only',
    repeatable: !writes,
    routine,
    answer(result) {
      if (result.kind === 'plan') return respondPlan(result.text, context);
      judgeSingle(media, result);
      if (handling === 'strict' && maxAffected !== undefined && result.count > maxAffected) {
        throw maxAffectedExceeded(result.count);
      }
      return respondCall(result, returns.kind === 'void', context);
    },
  };
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
