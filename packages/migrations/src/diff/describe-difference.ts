import { type Diagnostic, encodeId, type Plan } from '@supabase/pg-delta';
import type { Catalog } from './compare-databases.js';
import { rolesOf } from './render-plan.js';

/** Pure: what a reader of the SQL must know that it does not say itself. `unknownRoles`: no migration makes them. */
export function describeDifference(
  plans: readonly Plan[],
  diagnostics: { readonly from: readonly Diagnostic[]; readonly to: readonly Diagnostic[] },
  unknownRoles: readonly string[],
): readonly string[] {
  const actions = plans.flatMap((plan) => plan.actions);
  const roles = [...rolesOf(actions)].filter((name) => unknownRoles.includes(name));
  return [
    ...plans
      .flatMap(({ renameCandidates }) => renameCandidates)
      .filter(({ status }) => status !== 'nearMiss')
      .map(
        ({ from, to }) =>
          `${encodeId(from)} may have been renamed to ${encodeId(to)}. The SQL drops the one and makes the other; ALTER … RENAME keeps its data.`,
      ),
    ...roles.map(
      (name) =>
        `No migration creates the role ${name}, which the SQL names; roles belong to the whole cluster and are not compared.`,
    ),
    ...uncompared(diagnostics.from, diagnostics.to),
  ];
}

/** What the differ says of objects that it could not compare: `parameter ACL`s, like roles, belong to the whole cluster. */
const telling = ['unmodeled_kind', 'unresolved_security_label', 'user-mapping-unreadable', 'intent-unkeyed'];

function uncompared(from: readonly Diagnostic[], to: readonly Diagnostic[]): readonly string[] {
  const seen = new Set<string>();
  return [...to, ...from].flatMap(({ code, message, context }) => {
    const kind = `${code} ${String(context?.kind ?? message)}`;
    if (!telling.includes(code) || context?.kind === 'parameter ACL' || seen.has(kind)) return [];
    seen.add(kind);
    if (code !== 'unmodeled_kind') return [message];
    const samples = Array.isArray(context?.samples) ? context.samples.join(', ') : '';
    return [
      `Not compared, look yourself: ${String(context?.count)} of the kind ${String(context?.kind)} (${samples}).`,
    ];
  });
}

/** Pure: tables that the plans made whose columns come in another order, which only shows where statements do not name them. */
export function describeColumnOrder(plans: readonly Plan[], reached: Catalog, wanted: Catalog): readonly string[] {
  const made = plans.flatMap(({ actions }) => actions.flatMap(({ produces }) => produces));
  return made.flatMap((id) => {
    if (id.kind !== 'table') return [];
    const [is, was] = [columnsOf(reached, id), columnsOf(wanted, id)];
    if (was.length === 0 || is.join() === was.join()) return [];
    return [
      `The columns of ${id.schema}.${id.name} come in another order than in the database: there ${was.join(', ')}.`,
    ];
  });
}

function columnsOf({ facts }: Catalog, table: { readonly schema: string; readonly name: string }): readonly string[] {
  const columns = facts
    .facts()
    .flatMap(({ id, payload }) =>
      id.kind === 'column' && id.schema === table.schema && id.table === table.name
        ? [{ name: id.name, position: Number(payload._position) }]
        : [],
    );
  return columns.sort((one, other) => one.position - other.position).map(({ name }) => name);
}
