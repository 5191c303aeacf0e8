import { planRead } from '../plan/plan-read.js';
import type { Target } from '../request/target.js';
import { respondPlan, respondRead } from '../respond/respond.js';
import { findTable } from '../schema-cache/find-table.js';
import { estimateStatement, readStatement } from '../sql/statement-sql.js';
import { countOf, judgePreferences, judgeSingle, mediaFor, none, respondContext } from './judge-request.js';
import type { Preparation, PreparedRequest } from './prepared-request.js';

/** GET and HEAD of a table. Throws PGRST107, 108, 118, 120, 122, 123, 127, 200, 201 and 205. */
export function prepareRead(preparation: Preparation, target: Extract<Target, { kind: 'read' }>): PreparedRequest {
  const { request, loaded } = preparation;
  const { schemaCache: cache, settings } = loaded;
  const { count } = request.preferences;
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
  const media = mediaFor(preparation, table, root);
  judgePreferences(request);
  const handler = target.isHead ? none : media.handler;
  const estimates = media.plan === undefined && (count === 'planned' || count === 'estimated');
  const context = respondContext(request, media, root, { isHead: target.isHead, heeded: [] });
  return {
    main: readStatement(root, { handler, count: countOf(request, settings.maxRows) }),
    estimate: estimates ? estimateStatement(root) : undefined,
    media,
    access: 'read only',
    repeatable: true,
    routine: undefined,
    answer(result, pairs) {
      if (result.kind === 'plan') return respondPlan(result.text, context);
      judgeSingle(media, result);
      return respondRead(result, table.name, pairs, context);
    },
  };
}
