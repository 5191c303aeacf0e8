import { planRead } from '../plan/plan-read.js';
import type { Target } from '../request/target.js';
import type { Answer } from '../respond/answer.js';
import { respondPlan, respondRead } from '../respond/respond.js';
import { findTable } from '../schema-cache/find-table.js';
import { readStatement } from '../sql/statement-sql.js';
import { countOf, execute, judgePreferences, judgeSingle, mediaFor, none, respondContext, type Work } from './work.js';

export async function handleRead(work: Work, target: Extract<Target, { kind: 'read' }>): Promise<Answer> {
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
  const result = await execute(work, { main, media, root, access: 'read only', repeatable: true, routine: undefined });
  const context = respondContext(request, media, root, target.isHead);
  if (result.kind === 'plan') return respondPlan(result.text, context);
  judgeSingle(media, result);
  return respondRead(result, table.name, context);
}
