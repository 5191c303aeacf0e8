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
  /** The first is the request's schema. */
  readonly searchPath: readonly string[];
  readonly timeZone: string | undefined;
  /** Of the role, the function and the application, in this order. */
  readonly settings: readonly { readonly name: string; readonly value: string }[];
}

/** One statement that sets all of it, until the transaction ends. The role comes after the settings, some of which only the login role may set. */
export function contextStatement(context: RequestContext): Statement {
  const values: string[] = [];
  const calls: string[] = [];
  const set = (key: string, value: string) => {
    values.push(value);
    calls.push(`set_config('${key}', $${values.length}, true)`);
  };
  set('search_path', context.searchPath.map(name).join(', '));
  for (const setting of context.settings) {
    values.push(setting.name, setting.value);
    calls.push(`set_config($${values.length - 1}, $${values.length}, true)`);
  }
  set('role', context.role);
  set('request.jwt.claims', context.claims);
  set('request.method', context.method);
  set('request.path', context.path);
  set('request.headers', JSON.stringify(context.headers));
  set('request.cookies', JSON.stringify(context.cookies));
  if (context.timeZone !== undefined) set('timezone', context.timeZone);
  return { text: textOf(calls), values };
}

/** PostgreSQL's bound is 100 arguments. */
const argumentsAtMost = 100;

/** One column, and not what was set all over again: `num_nulls` takes any number of values of any type, evaluated in their order as columns are. */
function textOf(calls: readonly string[]): string {
  const list = calls.join(', ');
  return calls.length > argumentsAtMost ? `SELECT ${list}` : `SELECT pg_catalog.num_nulls(${list})`;
}
