import { invalidBody } from '../errors/request-errors.js';
import { csvToJson } from './csv.js';
import { splitPairs } from './query-string.js';
import { Slot, type Value } from './slot.js';

/** A request's body, ready to be one parameter of the statement. */
export type Body =
  | {
      readonly kind: 'json';
      readonly text: Value;
      /** It is one object and not an array of them. */
      readonly isObject: boolean;
      /** Of its objects, which all have the same; undefined: not looked at, since the query string names the columns. */
      readonly keys: ReadonlySet<string> | undefined;
      /** Of a function's object of scalars: its values as json_to_record would read them; undefined: that must read the text itself. */
      readonly scalars?: ReadonlyMap<string, Value | null> | undefined;
    }
  /** Arguments of a function from a form. */
  | { readonly kind: 'form'; readonly pairs: readonly (readonly [string, string])[] }
  /** For a function's single unnamed parameter. */
  | { readonly kind: 'raw'; readonly bytes: Buffer };

export interface BodyOptions {
  /** Without parameters, lower case: `application/json`. */
  readonly contentType: string;
  readonly forRoutine: boolean;
  /** The query string names the columns. */
  readonly hasColumns: boolean;
}

/** Throws PGRST102. */
export function parseBody(bytes: Buffer, { contentType, forRoutine, hasColumns }: BodyOptions): Body {
  switch (contentType) {
    case 'application/json':
      return jsonBody(bytes, forRoutine, hasColumns);
    case 'text/csv': {
      const { json, keys } = csvToJson(bytes.toString('utf8'));
      return { kind: 'json', text: json, isObject: false, keys: new Set(keys) };
    }
    case 'application/x-www-form-urlencoded': {
      const pairs = splitPairs(bytes.toString('utf8')).map(([name, value]) => [name, value ?? ''] as const);
      if (forRoutine) return { kind: 'form', pairs };
      const text = JSON.stringify(Object.fromEntries(pairs));
      return { kind: 'json', text, isObject: true, keys: new Set(pairs.map(([name]) => name)) };
    }
    case 'text/plain':
    case 'text/xml':
    case 'application/octet-stream':
      if (forRoutine) return { kind: 'raw', bytes };
      break;
    default:
  }
  throw invalidBody(`Content-Type not acceptable: ${contentType}`);
}

/** Bodies with longer lists of keys are planned by themselves. */
const longestNames = 2000;

/** A body with slots in place of what differs among bodies of its shape. */
export interface BodyShape {
  /** The same for bodies of the same shape, and for no others. */
  readonly key: string;
  readonly body: Body;
  /** What stands in the slots. */
  readonly values: readonly (string | null)[];
}

/**
 * Undefined: it is planned by itself. Pure.
 * @param first The number of the first slot.
 */
export function shapeOfBody(body: Body, first: number): BodyShape | undefined {
  if (body.kind !== 'json' || typeof body.text !== 'string') return undefined;
  const { text, isObject, keys, scalars } = body;
  const values: (string | null)[] = [text];
  let slots: Map<string, Slot> | undefined;
  if (scalars !== undefined) {
    slots = new Map();
    for (const [key, value] of scalars) {
      if (value instanceof Slot) return undefined;
      slots.set(key, new Slot(first + values.length));
      values.push(value);
    }
  }
  const names = keys === undefined ? '' : JSON.stringify([...keys]);
  if (names.length > longestNames) return undefined;
  return {
    key: `${isObject ? 'object' : 'array'} ${slots === undefined ? 'record' : 'scalars'} ${names}`,
    body: { kind: 'json', text: new Slot(first), isObject, keys, scalars: slots },
    values,
  };
}

function jsonBody(bytes: Buffer, forRoutine: boolean, hasColumns: boolean): Body {
  const text = bytes.toString('utf8');
  if (hasColumns) return { kind: 'json', text, isObject: /^[ \t\r\n]*\{/.test(text), keys: undefined };
  if (text === '' && forRoutine) return { kind: 'json', text: '{}', isObject: true, keys: new Set() };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidBody('Empty or invalid json');
  }
  if (Array.isArray(value)) return { kind: 'json', text, isObject: false, keys: commonKeys(value) };
  if (isObject(value)) {
    const scalars = forRoutine ? scalarsOf(value, text) : undefined;
    return { kind: 'json', text, isObject: true, keys: new Set(Object.keys(value)), scalars };
  }
  return { kind: 'json', text: '[]', isObject: false, keys: new Set() };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Longer ones are not worth being written once more. */
const scalarsUpTo = 4096;

/**
 * PostgreSQL reads numbers as they are written (`1e2` is no integer), takes the last of two equal keys, and refuses escapes that stand for no
 * character. Text that is just what JSON.stringify writes has none of that, once it has no such escape.
 */
function scalarsOf(
  object: Readonly<Record<string, unknown>>,
  text: string,
): ReadonlyMap<string, string | null> | undefined {
  if (text.length > scalarsUpTo || text.includes('\\u') || JSON.stringify(object) !== text) return undefined;
  const scalars = new Map<string, string | null>();
  for (const key of Object.keys(object)) {
    const value = object[key];
    if (value === null) scalars.set(key, null);
    else if (typeof value === 'object') return undefined;
    else scalars.set(key, String(value));
  }
  return scalars;
}

function commonKeys(items: readonly unknown[]): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const [at, item] of items.entries()) {
    if (!isObject(item)) throw invalidBody('All object keys must match');
    const own = Object.keys(item);
    if (at === 0) for (const key of own) keys.add(key);
    else if (own.length !== keys.size || !own.every((key) => keys.has(key))) {
      throw invalidBody('All object keys must match');
    }
  }
  return keys;
}
