import type { CallPlan } from '../plan/plan-call.js';
import { Slot } from '../request/slot.js';
import type { RoutineParameter } from '../schema-cache/types.js';
import { bodyName, bodyRowsSql } from './body-sql.js';
import { arrayText, name, type Parameters, qualified } from './sql-text.js';

/** The column that holds what a function returns that returns no rows. */
export const scalarName = 'pgrst_scalar';

const callName = 'pgrst_call';

/** Whether a call's rows are one value each. */
export function returnsScalar({ routine }: CallPlan): boolean {
  return routine.returns.kind !== 'composite';
}

/**
 * The call as a SELECT, to stand in a CTE.
 * @param computed Columns that are no stored ones: functions of the row, which only its own type finds.
 */
export function callSql(plan: CallPlan, computed: readonly string[], parameters: Parameters): string {
  const { from, list } = argumentsSql(plan, parameters);
  const call = `${qualified(plan.routine)}(${list})`;
  if (returnsScalar(plan)) {
    return `SELECT ${callName}.${scalarName} FROM ${from}LATERAL (SELECT ${call} AS ${scalarName}) AS ${callName}`;
  }
  const columns = [`${callName}.*`, ...computed.map((column) => `${callName}.${name(column)}`)];
  return `SELECT ${columns.join(', ')} FROM ${from}${from === '' ? '' : 'LATERAL '}${call} AS ${callName}`;
}

function argumentsSql(
  { arguments: given }: CallPlan,
  parameters: Parameters,
): { readonly from: string; readonly list: string } {
  switch (given.kind) {
    case 'whole':
      return { from: '', list: `${parameters.add(given.value)}::${given.parameter.type}` };
    case 'direct': {
      const list = given.values.map(({ parameter, value }) => {
        const isOne = value === null || typeof value === 'string' || value instanceof Slot;
        const text = isOne ? value : arrayText(value);
        return `${assignment(parameter)}${parameters.add(text)}::${parameter.castType}`;
      });
      return { from: '', list: list.join(', ') };
    }
    case 'json': {
      if (given.parameters.length === 0) return { from: '', list: '' };
      const fields = given.parameters.map((parameter) => ({
        name: parameter.name,
        type: parameter.castType,
        transform: undefined,
        default: null,
      }));
      const rows = bodyRowsSql(given.body, fields, parameters, { defaults: false, onlyFirst: true });
      const list = given.parameters.map((parameter) => `${assignment(parameter)}${bodyName}.${name(parameter.name)}`);
      return { from: `${rows}, `, list: list.join(', ') };
    }
  }
}

function assignment(parameter: RoutineParameter): string {
  return `${parameter.variadic ? 'VARIADIC ' : ''}${name(parameter.name)} := `;
}
