import type { Body } from '../request/body.js';
import type { Query } from '../request/query.js';
import type { Value } from '../request/slot.js';
import type { Routine, RoutineParameter } from '../schema-cache/types.js';

/** A function's call. */
export interface CallPlan {
  readonly routine: Routine;
  readonly arguments: CallArguments;
}

export type CallArguments =
  /** Each as a parameter, or several for the variadic one. */
  | { readonly kind: 'direct'; readonly values: readonly DirectArgument[] }
  /** The keys of a JSON object, which is one parameter. */
  | {
      readonly kind: 'json';
      readonly body: { readonly text: Value; readonly isObject: boolean };
      readonly parameters: readonly RoutineParameter[];
    }
  /** The body as it is, for the only parameter, which has no name. */
  | { readonly kind: 'whole'; readonly value: Value | Buffer; readonly parameter: RoutineParameter };

export interface DirectArgument {
  readonly parameter: RoutineParameter;
  readonly value: Value | null | readonly string[];
}

/** The names of the arguments that a request gives, by which the overload is chosen. */
export function argumentNames(query: Query, body: Body | undefined): ReadonlySet<string> {
  if (body === undefined) return new Set(query.parameters.map(([name]) => name));
  switch (body.kind) {
    case 'json':
      return body.keys ?? new Set(query.columns ?? []);
    case 'form':
      return new Set(body.pairs.map(([name]) => name));
    case 'raw':
      return new Set();
  }
}

export function planCall(routine: Routine, query: Query, body: Body | undefined): CallPlan {
  return { routine, arguments: planArguments(routine, query, body) };
}

function planArguments(routine: Routine, query: Query, body: Body | undefined): CallArguments {
  const [only] = routine.parameters;
  if (body !== undefined && routine.parameters.length === 1 && only !== undefined && only.name === '') {
    if (body.kind === 'raw') {
      const value = only.type === 'bytea' ? body.bytes : body.bytes.toString('utf8');
      return { kind: 'whole', value, parameter: only };
    }
    if (body.kind === 'json') return { kind: 'whole', value: body.text, parameter: only };
  }
  const names = argumentNames(query, body);
  const given = routine.parameters.filter(({ name }) => names.has(name));
  if (body?.kind === 'json') return scalarArguments(given, body.scalars) ?? { kind: 'json', body, parameters: given };
  const pairs = body === undefined ? query.parameters : body.kind === 'form' ? body.pairs : [];
  return { kind: 'direct', values: given.map((parameter) => directArgument(parameter, pairs)) };
}

/** Types that read a JSON scalar as they read its text: no domain, array, row or JSON, which json_to_record treats in its own way. */
const scalarTypes: ReadonlySet<string> = new Set([
  'smallint',
  'integer',
  'bigint',
  'real',
  'double precision',
  'numeric',
  'boolean',
  'text',
  'character varying',
  'uuid',
  'date',
  'time without time zone',
  'time with time zone',
  'timestamp without time zone',
  'timestamp with time zone',
  'interval',
]);

/** Each as a parameter, which costs PostgreSQL less than a JSON record; undefined: not all of them can be. */
function scalarArguments(
  parameters: readonly RoutineParameter[],
  scalars: ReadonlyMap<string, Value | null> | undefined,
): CallArguments | undefined {
  if (scalars === undefined || parameters.length === 0) return undefined;
  if (!parameters.every(({ type, variadic }) => !variadic && scalarTypes.has(type))) return undefined;
  const values = parameters.map((parameter) => ({ parameter, value: scalars.get(parameter.name) ?? null }));
  return { kind: 'direct', values };
}

/** Given several times, the last one counts, but for a variadic parameter, which takes all. */
function directArgument(parameter: RoutineParameter, pairs: readonly (readonly [string, string])[]): DirectArgument {
  const values = pairs.flatMap(([name, value]) => (name === parameter.name ? [value] : []));
  return { parameter, value: parameter.variadic ? values : (values.at(-1) ?? '') };
}
