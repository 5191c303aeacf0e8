import type { Action, Plan, StableId } from '@supabase/pg-delta';

/** Statements that belong into one transaction, or one that PostgreSQL runs outside of any. */
export interface SqlPart {
  readonly transactional: boolean;
  /** Without the closing semicolon. */
  readonly statements: readonly string[];
}

/**
 * Pure. A new part begins only where PostgreSQL needs the end of a transaction: a value that was added to an enum may not be used in the one that
 * added it. New objects belong to whoever runs this, so that `OWNER TO` is left out where it names that role.
 */
export function renderPlan(plan: Plan, runsAs: string): readonly SqlPart[] {
  const settings = plan.preamble
    .filter(({ name }) => name !== 'search_path')
    .map(({ name, value }) => `SET LOCAL ${name} = ${value}`);
  const parts: { transactional: boolean; statements: string[] }[] = [];
  for (const action of meaningful(plan.actions, runsAs)) {
    const transactional = action.transactionality !== 'nonTransactional';
    const last = parts.at(-1);
    if (last === undefined || action.newSegmentBefore || !transactional || !last.transactional) {
      parts.push({ transactional, statements: transactional ? [...settings] : [] });
    }
    parts.at(-1)?.statements.push(onAllPartitions(action.sql.trim().replace(/;$/, '')));
  }
  return parts;
}

/** PostgreSQL describes the index of a partitioned table as one that its partitions lack (ONLY): it would be invalid. */
function onAllPartitions(sql: string): string {
  return sql.replace(/^(CREATE (?:UNIQUE )?INDEX (?:"(?:[^"]|"")+"|\S+) ON )ONLY /, '$1');
}

/** Pure: `next` behind `parts`, in the last transaction where it only says who may do what with what is made in there. */
export function appendParts(parts: readonly SqlPart[], next: readonly SqlPart[]): readonly SqlPart[] {
  const last = parts.at(-1);
  const [first, ...rest] = next;
  const joins = first?.statements.every((statement) => /^(GRANT|REVOKE|COMMENT|SET LOCAL) /i.test(statement)) === true;
  if (last?.transactional !== true || first?.transactional !== true || !joins) return [...parts, ...next];
  const more = first.statements.filter((statement) => !/^SET /.test(statement) || !last.statements.includes(statement));
  return [...parts.slice(0, -1), { transactional: true, statements: [...last.statements, ...more] }, ...rest];
}

/** Statements that lose something: they drop an object, or rewrite data for good. */
export function destructiveStatements(actions: readonly Action[]): readonly string[] {
  return actions
    .filter(({ verb, dataLoss, sql }) => (verb === 'drop' && /\bDROP\b/i.test(sql)) || dataLoss === 'destructive')
    .map(({ sql }) => sql.trim().replace(/;$/, ''));
}

/** Roles that statements name. */
export function rolesOf(actions: readonly Action[]): ReadonlySet<string> {
  return new Set(actions.flatMap(({ produces, consumes }) => [...produces, ...consumes].flatMap(rolesOfId)));
}

function rolesOfId(id: StableId): readonly string[] {
  switch (id.kind) {
    case 'role':
      return [id.name];
    case 'acl':
      return [id.grantee];
    case 'userMapping':
      return [id.role];
    case 'defaultPrivilege':
      return [id.role, id.grantee];
    default:
      return [];
  }
}

function meaningful(actions: readonly Action[], runsAs: string): readonly Action[] {
  const created = new Set(
    actions.filter(({ verb }) => verb === 'create').flatMap(({ produces }) => produces.map(keyOf)),
  );
  const ownership = new RegExp(`\\sOWNER TO "?${runsAs}"?$`);
  return actions.filter(
    ({ verb, sql, consumes }) =>
      !(verb === 'alter' && ownership.test(sql.trim()) && consumes.some((id) => created.has(keyOf(id)))),
  );
}

function keyOf(id: StableId): string {
  return JSON.stringify(id, Object.keys(id).sort());
}

/** The parts as text: what can be read, reviewed and run with psql. */
export function textOf(part: SqlPart): string {
  return part.statements.map((statement) => `${statement};\n`).join('\n');
}
