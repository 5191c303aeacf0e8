/** One output column of a view, and the column of the relation that it shows unchanged; a table of 0 where it is computed. */
export interface ViewColumnOrigin {
  readonly column: number;
  readonly originTable: number;
  readonly originColumn: number;
}

/**
 * Reads a view's rule as PostgreSQL stores it (pg_rewrite.ev_action, a pg_node_tree: `{NODE :field value …}`, lists in parentheses, `\` escapes
 * the next character; src/backend/nodes/read.c). PostgreSQL notes with each entry of the outermost target list which column of which relation it
 * comes from (parse_target.c, markTargetListOrigin).
 */
export function readViewOrigins(definition: string): readonly ViewColumnOrigin[] {
  const origins: ViewColumnOrigin[] = [];
  let depth = 0;
  let listDepth = 0;
  let field = '';
  let fields = new Map<string, number>();
  for (const token of tokens(definition)) {
    if (token === '{' || token === '(') {
      depth += 1;
      // The rule is a list of one query, so the query's own fields are at depth 2.
      if (token === '(' && field === ':targetList' && depth === 3) listDepth = depth;
      if (token === '{' && listDepth > 0 && depth === listDepth + 1) fields = new Map();
      field = '';
    } else if (token === '}' || token === ')') {
      if (token === '}' && listDepth > 0 && depth === listDepth + 1) {
        origins.push({
          column: fields.get(':resno') ?? 0,
          originTable: fields.get(':resorigtbl') ?? 0,
          originColumn: fields.get(':resorigcol') ?? 0,
        });
      }
      if (depth === listDepth) return origins;
      depth -= 1;
      field = '';
    } else if (token.startsWith(':')) {
      field = token;
    } else if (listDepth > 0 && depth === listDepth + 1 && field !== '') {
      fields.set(field, Number(token));
      field = '';
    }
  }
  return origins;
}

function* tokens(text: string): Generator<string> {
  const pattern = /[(){}]|(?:\\[\s\S]|[^\s(){}\\])+/g;
  for (const match of text.matchAll(pattern)) yield match[0];
}

/** Where a view's column comes from in the end. */
export interface TracedColumn {
  readonly viewId: number;
  readonly viewColumn: number;
  readonly tableId: number;
  readonly tableColumn: number;
}

/** Follows the columns of the views through views below them; every relation on the way counts as a source, since a key may hang on any of them. */
export function traceViewColumns(
  views: readonly { readonly id: number; readonly origins: readonly ViewColumnOrigin[] }[],
): readonly TracedColumn[] {
  const origins = new Map(
    views.map(({ id, origins: list }) => [id, new Map(list.map((origin) => [origin.column, origin]))]),
  );
  const traced: TracedColumn[] = [];
  for (const { id, origins: list } of views) {
    for (const first of list) {
      const seen = new Set<number>([id]);
      let step: ViewColumnOrigin | undefined = first;
      while (step !== undefined && step.originTable !== 0 && !seen.has(step.originTable)) {
        seen.add(step.originTable);
        traced.push({
          viewId: id,
          viewColumn: first.column,
          tableId: step.originTable,
          tableColumn: step.originColumn,
        });
        step = origins.get(step.originTable)?.get(step.originColumn);
      }
    }
  }
  return traced;
}
