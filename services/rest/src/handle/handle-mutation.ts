import type { ChosenMedia } from '../media/choose-media.js';
import { isRepeatable, planMutation } from '../plan/plan-mutation.js';
import { planRead } from '../plan/plan-read.js';
import type { ApiRequest } from '../request/api-request.js';
import { allRows } from '../request/row-range.js';
import type { Target } from '../request/target.js';
import type { Answer } from '../respond/answer.js';
import { respondMutation, respondPlan } from '../respond/respond.js';
import { findTable } from '../schema-cache/find-table.js';
import type { Guard } from '../sql/guard-sql.js';
import { mutationStatement } from '../sql/statement-sql.js';
import {
  affectedGuard,
  execute,
  isSingle,
  judgePreferences,
  mediaFor,
  none,
  respondContext,
  type Work,
} from './work.js';

export async function handleMutation(work: Work, target: Extract<Target, { kind: 'mutation' }>): Promise<Answer> {
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
  const result = await execute(work, {
    main,
    media,
    root: undefined,
    access: 'read write',
    repeatable: isRepeatable(plan),
    routine: undefined,
  });
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
