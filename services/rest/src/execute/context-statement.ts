import type { Statement } from '@holdfast/postgres';
import { name } from '../sql/sql-text.js';

/** What a transaction must know of its request. */
export interface RequestContext {
  readonly role: string;
  /** JSON text. */
  readonly claims: string;
  readonly method: string;
  /** As the client wrote it, decoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: Readonly<Record<string, string>>;
  /** As SQL; see `searchPathOf`. */
  readonly searchPath: string;
  readonly timeZone: string | undefined;
  /** Of the role, the function and the application, in this order. */
  readonly settings: readonly { readonly name: string; readonly value: string }[];
}

/** By the further schemas, which are the same array as long as the settings stay, and the request's schema. */
const searchPaths = new WeakMap<readonly string[], Map<string, string>>();

/** The request's schema, and the further ones behind it. */
export function searchPathOf(schema: string, further: readonly string[]): string {
  let known = searchPaths.get(further);
  if (known === undefined) {
    known = new Map();
    searchPaths.set(further, known);
  }
  let path = known.get(schema);
  if (path === undefined) {
    path = [schema, ...further.filter((each) => each !== schema)].map(name).join(', ');
    known.set(schema, path);
  }
  return path;
}

/** One statement that sets all of it, until the transaction ends. The role comes after the settings, some of which only the login role may set. */
export function contextStatement(context: RequestContext): Statement {
  const { settings, timeZone } = context;
  const values: string[] = [context.searchPath];
  for (const setting of settings) values.push(setting.name, setting.value);
  values.push(
    context.role,
    context.claims,
    context.method,
    context.path,
    JSON.stringify(context.headers),
    JSON.stringify(context.cookies),
  );
  if (timeZone !== undefined) values.push(timeZone);
  return { text: textFor(settings.length, timeZone !== undefined), values };
}

/** By the number of settings; twice that with a time zone. Few, and the same text again is found by its name without being looked at. */
const texts: string[] = [];

function textFor(settings: number, timeZone: boolean): string {
  const at = 2 * settings + (timeZone ? 1 : 0);
  const known = texts[at];
  if (known !== undefined) return known;
  const calls: string[] = [];
  let values = 0;
  const next = () => {
    values += 1;
    return `$${values}`;
  };
  const set = (key: string) => calls.push(`set_config('${key}', ${next()}, true)`);
  set('search_path');
  for (let count = 0; count < settings; count += 1) calls.push(`set_config(${next()}, ${next()}, true)`);
  for (const key of ['role', ...requestKeys]) set(key);
  if (timeZone) set('timezone');
  const text = textOf(calls);
  texts[at] = text;
  return text;
}

const requestKeys = [
  'request.jwt.claims',
  'request.method',
  'request.path',
  'request.headers',
  'request.cookies',
] as const;

/** PostgreSQL's bound is 100 arguments. */
const argumentsAtMost = 100;

/** One column, and not what was set all over again: `num_nulls` takes any number of values of any type, evaluated in their order as columns are. */
function textOf(calls: readonly string[]): string {
  const list = calls.join(', ');
  return calls.length > argumentsAtMost ? `SELECT ${list}` : `SELECT pg_catalog.num_nulls(${list})`;
}
