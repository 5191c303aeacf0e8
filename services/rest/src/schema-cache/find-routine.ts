import { ambiguousRoutine, noRoutine } from '../errors/schema-errors.js';
import { leastNameScore, mostSimilar } from './similar-name.js';
import { nameKey, type QualifiedName, type Routine, type SchemaCache } from './types.js';

export interface RoutineCall {
  readonly routine: QualifiedName;
  /** Names of the arguments given. */
  readonly argumentNames: readonly string[];
  /** What a function with a single unnamed parameter could be given: the body of a POST, by its content type; null: none. */
  readonly body: 'json' | 'text' | 'xml' | 'bytea' | null;
}

/** The overload that takes just these arguments, else the one whose single unnamed parameter takes the body. Throws PGRST202 and PGRST203. */
export function findRoutine(cache: SchemaCache, call: RoutineCall): Routine {
  const overloads = cache.routines.get(nameKey(call.routine)) ?? [];
  const given = new Set(call.argumentNames);
  const named = overloads.filter((routine) => takes(routine, given, call.body));
  const found = named.length > 0 ? named : overloads.filter((routine) => takesBody(routine, call.body));
  const [first, ...others] = found;
  if (first === undefined) throw missing(cache, call, overloads);
  if (others.length > 0) throw ambiguousRoutine(found);
  return first;
}

function takes(routine: Routine, given: ReadonlySet<string>, body: RoutineCall['body']): boolean {
  if (routine.parameters.length === 0) return given.size === 0 && (body === null || body === 'json');
  const names = new Set(routine.parameters.map(({ name }) => name));
  return (
    [...given].every((name) => names.has(name)) &&
    routine.parameters.every(({ name, required }) => !required || given.has(name))
  );
}

function takesBody({ parameters }: Routine, body: RoutineCall['body']): boolean {
  const [parameter, ...others] = parameters;
  if (parameter === undefined || others.length > 0 || parameter.name !== '' || body === null) return false;
  return parameter.type === body || (body === 'json' && parameter.type === 'jsonb');
}

function missing(cache: SchemaCache, { routine, argumentNames, body }: RoutineCall, overloads: readonly Routine[]) {
  const sorted = [...new Set(argumentNames)].sort();
  return noRoutine({ ...routine, argumentNames: sorted, body, hint: suggest(cache, routine, sorted, overloads) });
}

function suggest(
  cache: SchemaCache,
  { schema, name }: QualifiedName,
  argumentNames: readonly string[],
  overloads: readonly Routine[],
): string | null {
  const similar = (): string | undefined => {
    if (overloads.length === 0) {
      const names = [...cache.routines.values()].flatMap((list) =>
        list.slice(0, 1).flatMap((known) => (known.schema === schema ? [known.name] : [])),
      );
      return mostSimilar(names, name, leastNameScore)?.name;
    }
    const lists = overloads.map(({ parameters }) => listed(parameters.map((parameter) => parameter.name).sort()));
    const best = mostSimilar(lists, listed(argumentNames));
    return best === undefined ? undefined : `${name}${best.name}`;
  };
  const found = similar();
  return found === undefined ? null : `Perhaps you meant to call the function ${schema}.${found}`;
}

function listed(names: readonly string[]): string {
  return `(${names.join(', ')})`;
}
