/** One output column of a view, and the column of the relation that it shows unchanged; a table of 0 where it is computed. */
export interface ViewColumnOrigin {
  readonly column: number;
  readonly originTable: number;
  readonly originColumn: number;
}

/** Each is followed by a number; anything else is a name that looks like a field. */
const fieldPattern = /:(resno|resorigtbl|resorigcol) (\d+)/y;

const listStart = ':targetList (';

/**
 * Reads a view's rule as PostgreSQL stores it (pg_rewrite.ev_action, a pg_node_tree: `{NODE :field value …}`, lists in parentheses, `\` escapes
 * the next character; src/backend/nodes/outfuncs.c). PostgreSQL notes with each entry of the outermost target list which column of which relation
 * it comes from (parse_target.c, markTargetListOrigin). A rule may have megabytes, so it is read character by character.
 */
export function readViewOrigins(definition: string): readonly ViewColumnOrigin[] {
  const origins: ViewColumnOrigin[] = [];
  let entry = new Map<string, number>();
  let depth = 0;
  /** Of the list of target entries; 0: it has not come yet. */
  let listDepth = 0;
  for (let at = 0; at < definition.length; at += 1) {
    switch (definition[at]) {
      case '\\':
        at += 1;
        break;
      case '{':
      case '(':
        depth += 1;
        if (listDepth !== 0 && depth === listDepth + 1) entry = new Map();
        break;
      case '}':
      case ')':
        if (listDepth !== 0 && depth === listDepth) return origins;
        if (listDepth !== 0 && depth === listDepth + 1) origins.push(originOf(entry));
        depth -= 1;
        break;
      case ':':
        // The rule is a list of one query, so the query's own fields are at depth 2.
        if (listDepth === 0 && depth === 2 && definition.startsWith(listStart, at)) {
          listDepth = 3;
        } else if (listDepth !== 0 && depth === listDepth + 1) {
          fieldPattern.lastIndex = at;
          const [, name, value] = fieldPattern.exec(definition) ?? [];
          if (name !== undefined && !entry.has(name)) entry.set(name, Number(value));
        }
        break;
    }
  }
  return origins;
}

function originOf(entry: ReadonlyMap<string, number>): ViewColumnOrigin {
  return {
    column: entry.get('resno') ?? 0,
    originTable: entry.get('resorigtbl') ?? 0,
    originColumn: entry.get('resorigcol') ?? 0,
  };
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
