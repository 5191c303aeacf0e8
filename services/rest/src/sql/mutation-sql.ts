import type { DeletePlan, InsertPlan, MutationPlan, UpdatePlan } from '../plan/plan-mutation.js';
import type { PlannedLogic } from '../plan/read-plan.js';
import { isAllRows } from '../request/row-range.js';
import { bodyName, bodyRowsSql } from './body-sql.js';
import { logicSql } from './field-sql.js';
import { orderSql, rangeSql } from './read-sql.js';
import { name, type Parameters, qualified } from './sql-text.js';

/** Counts rows that were inserted: up for each row tried, down for each that was there already. */
const insertedSetting = 'pgrst.inserted';

/** How many rows were inserted, of a statement whose plan says countInserted. */
export const insertedSql = `nullif(current_setting('${insertedSetting}', true), '')`;

/** Always true. */
function countSql(step: '+ 1' | '- 1'): string {
  return `set_config('${insertedSetting}', (coalesce(${insertedSql}::int, 0) ${step})::text, true) IS NOT NULL`;
}

/** The statement that changes rows, to stand in a CTE. */
export function mutationSql(plan: MutationPlan, parameters: Parameters): string {
  switch (plan.kind) {
    case 'insert':
      return insertSql(plan, parameters);
    case 'update':
      return updateSql(plan, parameters);
    case 'delete':
      return deleteSql(plan, parameters);
  }
}

function insertSql(plan: InsertPlan, parameters: Parameters): string {
  const { table, body, fields, defaults, conflict, conditions, countInserted } = plan;
  const columns = fields.map((field) => name(field.name));
  const target = `${qualified(table)} AS ${name(table.name)}${columns.length === 0 ? '' : `(${columns.join(', ')})`}`;
  const values = columns.map((column) => `${bodyName}.${column}`).join(', ');
  const rows = bodyRowsSql(body, fields, parameters, { defaults, onlyFirst: false });
  const where = [
    ...(countInserted && conditions.length === 0 ? [countSql('+ 1')] : []),
    ...conditions.map((logic) => logicSql(bodyName, logic, parameters, refuse)),
    // Last, so that rows that do not match are not counted.
    ...(countInserted && conditions.length > 0 ? [countSql('+ 1')] : []),
  ];
  return [
    `INSERT INTO ${target} SELECT ${values} FROM ${rows}`,
    where.length === 0 ? '' : ` WHERE ${where.join(' AND ')}`,
    conflict === undefined || conflict.columns.length === 0 ? '' : conflictSql(conflict, columns, countInserted),
    returningSql(plan),
  ].join('');
}

function conflictSql(
  { resolution, columns }: NonNullable<InsertPlan['conflict']>,
  written: readonly string[],
  countInserted: boolean,
): string {
  const target = ` ON CONFLICT (${columns.map(name).join(', ')}) DO`;
  if (resolution === 'ignore' || written.length === 0) return `${target} NOTHING`;
  const values = written.map((column) => `${column} = EXCLUDED.${column}`).join(', ');
  return `${target} UPDATE SET ${values}${countInserted ? ` WHERE ${countSql('- 1')}` : ''}`;
}

function updateSql(plan: UpdatePlan, parameters: Parameters): string {
  const { table, body, fields, defaults, where, range } = plan;
  const alias = name(table.name);
  if (fields.length === 0) {
    // SET needs a column; without one no row is touched, but the columns must have their names.
    const columns = plan.returning.map((column) => (column === '*' ? `${alias}.*` : `${alias}.${name(column)}`));
    return `SELECT ${columns.length === 0 ? '1' : columns.join(', ')} FROM ${qualified(table)} AS ${alias} WHERE false`;
  }
  const set = fields.map((field) => `${name(field.name)} = ${bodyName}.${name(field.name)}`).join(', ');
  const rows = bodyRowsSql(body, fields, parameters, { defaults, onlyFirst: false });
  const head = `UPDATE ${qualified(table)} AS ${alias} SET ${set} FROM ${rows}`;
  if (isAllRows(range)) return `${head}${whereSql(table.name, where, parameters)}${returningSql(plan)}`;
  return `${head} WHERE ${chosenSql(plan, parameters)}${returningSql(plan)}`;
}

function deleteSql(plan: DeletePlan, parameters: Parameters): string {
  const { table, where, range } = plan;
  const head = `DELETE FROM ${qualified(table)} AS ${name(table.name)}`;
  if (isAllRows(range)) return `${head}${whereSql(table.name, where, parameters)}${returningSql(plan)}`;
  return `${head} WHERE ${chosenSql(plan, parameters)}${returningSql(plan)}`;
}

/** The row is one of the first ones. */
function chosenSql(
  { table, where, order, range, keyColumns }: UpdatePlan | DeletePlan,
  parameters: Parameters,
): string {
  const inner = 'pgrst_chosen';
  const keys = keyColumns.length === 0 ? ['ctid'] : keyColumns.map(name);
  const own = keys.map((key) => `${name(table.name)}.${key}`).join(', ');
  const chosen = keys.map((key) => `${inner}.${key}`).join(', ');
  const condition = whereSql(inner, where, parameters);
  const rest = `${orderSql(inner, order)}${rangeSql(range, parameters)}`;
  return `(${own}) IN (SELECT ${chosen} FROM ${qualified(table)} AS ${inner}${condition}${rest})`;
}

function whereSql(alias: string, where: readonly PlannedLogic[], parameters: Parameters): string {
  if (where.length === 0) return '';
  return ` WHERE ${where.map((logic) => logicSql(alias, logic, parameters, refuse)).join(' AND ')}`;
}

/** Rows that are changed have no embedded ones. */
function refuse(): string {
  return 'false';
}

function returningSql({ table, returning }: MutationPlan): string {
  if (returning.length === 0) return ' RETURNING 1';
  const alias = name(table.name);
  return ` RETURNING ${returning.map((column) => (column === '*' ? `${alias}.*` : `${alias}.${name(column)}`)).join(', ')}`;
}
