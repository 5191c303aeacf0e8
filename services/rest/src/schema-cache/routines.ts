import type { RoutineRow } from './introspection-sql.js';
import type { Routine, RoutineResult, Volatility } from './types.js';

const volatilities = { i: 'immutable', s: 'stable', v: 'volatile' } as const satisfies Record<string, Volatility>;

/** Without a length these mean a length of one. */
const unlimited: Readonly<Record<string, string>> = {
  bit: 'bit varying',
  'bit[]': 'bit varying[]',
  character: 'character varying',
  'character[]': 'character varying[]',
};

const isolationSetting = 'default_transaction_isolation';

/** `hoisted`: the names of those settings on a function that are to hold for its whole transaction. */
export function readRoutine(row: RoutineRow, hoisted: readonly string[]): Routine {
  const settings = (row.settings ?? []).map(readSetting).filter(({ name }) => hoisted.includes(name));
  return {
    id: row.id,
    schema: row.schema,
    name: row.name,
    description: row.description,
    parameters: (row.parameters ?? []).map(({ name, type, required, variadic }) => ({
      name: name ?? '',
      type,
      castType: unlimited[type] ?? type,
      required,
      variadic,
    })),
    returns: readResult(row),
    volatility: volatilities[row.volatility],
    hasVariadic: row.hasVariadic,
    isolation: readIsolation(settings.find(({ name }) => name === isolationSetting)?.value),
    settings: settings.filter(({ name }) => name !== isolationSetting),
  };
}

function readResult(row: RoutineRow): RoutineResult {
  const isVoid = row.resultSchema === 'pg_catalog' && row.resultName === 'void';
  return {
    isSet: row.isSet,
    kind: isVoid ? 'void' : row.isComposite ? 'composite' : 'scalar',
    type: { schema: row.resultSchema, name: row.resultName },
    isCompositeAlias: row.isCompositeAlias,
  };
}

function readSetting(text: string): { readonly name: string; readonly value: string } {
  const at = text.indexOf('=');
  return { name: text.slice(0, at), value: text.slice(at + 1) };
}

/** undefined and what a service cannot set give null: the role's own level holds. */
export function readIsolation(value: string | undefined): Routine['isolation'] {
  const level = value?.toLowerCase();
  return level === 'read committed' || level === 'repeatable read' || level === 'serializable' ? level : null;
}

/** Fewest parameters first; then any order that does not change from load to load. */
export function sortOverloads(routines: readonly Routine[]): readonly Routine[] {
  const shown = (routine: Routine): string => routine.parameters.map(({ name, type }) => `${name}\0${type}`).join('\0');
  return [...routines].sort((left, right) => {
    if (left.parameters.length !== right.parameters.length) return left.parameters.length - right.parameters.length;
    return shown(left) < shown(right) ? -1 : 1;
  });
}
