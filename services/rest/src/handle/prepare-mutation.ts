import type { ChosenMedia } from '../media/choose-media.js';
import { isRepeatable, planMutation } from '../plan/plan-mutation.js';
import { planRead } from '../plan/plan-read.js';
import type { ApiRequest } from '../request/api-request.js';
import { allRows } from '../request/row-range.js';
import type { Target } from '../request/target.js';
import { heededPreferences, respondMutation, respondPlan } from '../respond/respond.js';
import { findTable } from '../schema-cache/find-table.js';
import type { Guard } from '../sql/guard-sql.js';
import { mutationStatement } from '../sql/statement-sql.js';
import { affectedGuard, isSingle, judgePreferences, mediaFor, none, respondContext } from './judge-request.js';
import type { Preparation, PreparedRequest } from './prepared-request.js';

/** POST, PATCH, PUT and DELETE of a table. Throws what `prepareRead` does, and PGRST105 and 204. */
export function prepareMutation(
  preparation: Preparation,
  target: Extract<Target, { kind: 'mutation' }>,
): PreparedRequest {
  const { request, loaded } = preparation;
  const { preferences, query } = request;
  const { schemaCache: cache, settings } = loaded;
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
  const media = mediaFor(preparation, table, root);
  const full = preferences.representation === 'representation';
  const resolves = table.primaryKey.length > 0 || query.onConflict !== undefined;
  const heeded = heededPreferences(target.method, resolves);
  const context = respondContext(request, media, root, { isHead: false, heeded });
  const change = { method: target.method, table: table.name };
  return {
    main: mutationStatement(plan, root, {
      handler: full ? media.handler : none,
      guard: mutationGuard(request, target.method, media),
      location: target.method === 'POST' && preferences.representation === 'headers-only',
    }),
    estimate: undefined,
    media,
    access: 'read write',
    repeatable: isRepeatable(plan),
    routine: undefined,
    answer: (result) =>
      result.kind === 'plan' ? respondPlan(result.text, context) : respondMutation(result, change, context),
  };
}

function mutationGuard({ preferences }: ApiRequest, method: string, media: ChosenMedia): Guard | undefined {
  if (method === 'PUT') return { kind: 'one' };
  if (isSingle(media)) return { kind: 'singular' };
  return method === 'POST' ? undefined : affectedGuard(preferences);
}
