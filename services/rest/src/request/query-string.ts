import { queryParseError } from '../errors/request-errors.js';
import { BoundedCache } from './bounded-cache.js';
import { filterExpression, logicPath, logicTree, treePath } from './parse-filter.js';
import { columnNames, orderTerms } from './parse-order.js';
import { selectItems } from './parse-select.js';
import { describeFailure, describePosition, type Parser } from './parsec.js';
import type {
  AtPath,
  Field,
  Filter,
  Logic,
  Operation,
  OrderTerm,
  QuantifiedOperator,
  Query,
  RowRange,
  SelectItem,
} from './query.js';
import type { Value } from './slot.js';

/** Deeper nesting than anybody means, and shallow enough for the stack. */
const deepest = 60;

const selects = new BoundedCache<readonly SelectItem[]>(500);
const orders = new BoundedCache<readonly OrderTerm[]>(500);

export interface QueryOptions {
  /** Of a function called by GET: what is no operator expression is an argument. */
  readonly arguments: boolean;
}

/** A parameter, decoded. One without `=` has no value. */
export type Pair = readonly [name: string, value: string | undefined];

/** A parameter whose value may be understood already. */
export type QueryPair = readonly [name: string, value: string | Operation | undefined];

/** Parses what follows the `?`. Throws PGRST100. */
export function parseQuery(text: string, options: QueryOptions): Query {
  return parsePairs(splitPairs(text), options);
}

/** Throws PGRST100. */
export function parsePairs(pairs: readonly QueryPair[], options: QueryOptions): Query {
  const filters: AtPath<Filter>[] = [];
  const logic: AtPath<Logic>[] = [];
  const order: AtPath<readonly OrderTerm[]>[] = [];
  const parameters: [string, string][] = [];
  const ranges = new Map<string, { path: string[]; offset: number; limit: number | undefined }>();
  const filterNames = new Set<string>();
  let select: string | undefined;
  let columns: string | undefined;
  let onConflict: string | undefined;
  for (const [name, value] of pairs) {
    if (value === undefined) continue;
    if (typeof value !== 'string') {
      addOperation(name, value);
      continue;
    }
    const kind = parameterKind(name);
    switch (kind) {
      case 'select':
        select ??= value;
        break;
      case 'columns':
        columns ??= value;
        break;
      case 'on_conflict':
        onConflict ??= value;
        break;
      case 'order':
        order.push({ path: pathOf(name), value: parseOrder(value) });
        break;
      case 'and':
      case 'or':
        logic.push(parseLogic(name, value));
        break;
      case 'limit':
      case 'offset':
        addRange(name, kind, value);
        break;
      case 'filter':
        addFilter(name, value);
    }
  }

  function addOperation(name: string, operation: Operation): void {
    filterNames.add(name);
    const { path, field } = parseTreePath(name);
    filters.push({ path, value: { field, not: false, operation } });
  }

  function addFilter(name: string, value: string): void {
    filterNames.add(name);
    const { path, field } = parseTreePath(name);
    const expression = parseExpression(value, options.arguments);
    if (expression === undefined) parameters.push([field.name, value]);
    else filters.push({ path, value: { field, ...expression } });
  }

  function addRange(name: string, kind: 'limit' | 'offset', value: string): void {
    const path = pathOf(name);
    const key = path.join('\0');
    const range = ranges.get(key) ?? { path, offset: 0, limit: undefined };
    ranges.set(key, range);
    const number = /^\s*-?[0-9]+\s*$/.test(value) ? Number(value) : undefined;
    if (number === undefined || !Number.isSafeInteger(number)) return;
    if (kind === 'limit') range.limit = number;
    else range.offset = Math.max(0, number);
  }

  const rows: AtPath<RowRange>[] = [...ranges.values()].map(({ path, offset, limit }) => ({
    path,
    value: { offset, limit },
  }));
  return {
    select: parseSelect(select ?? '*'),
    filters,
    logic,
    order,
    ranges: rows,
    parameters,
    columns: columns === undefined ? undefined : parseWith(columnNames, columns, 'columns parameter'),
    onConflict: onConflict === undefined ? undefined : parseWith(columnNames, onConflict, 'on_conflict parameter'),
    filterNames,
    hasRootRange: ranges.has(''),
  };
}

export type ParameterKind =
  | 'select'
  | 'columns'
  | 'on_conflict'
  | 'order'
  | 'limit'
  | 'offset'
  | 'and'
  | 'or'
  | 'filter';

/** What a parameter is for, by its decoded name. Pure. */
export function parameterKind(name: string): ParameterKind {
  if (name === 'select' || name === 'columns' || name === 'on_conflict') return name;
  const last = name.slice(name.lastIndexOf('.') + 1);
  switch (last) {
    case 'order':
    case 'limit':
    case 'offset':
    case 'and':
    case 'or':
      return last;
    default:
      return 'filter';
  }
}

/** Name and value are decoded; what is not UTF-8 becomes U+FFFD. */
export function splitPairs(text: string): readonly Pair[] {
  return splitParts(text).map(readPair);
}

/** The parameters as they came. */
export function splitParts(text: string): readonly string[] {
  return text === '' ? [] : text.split(/[&;]/).filter((part) => part !== '');
}

export function readPair(part: string): Pair {
  const equals = part.indexOf('=');
  return equals < 0
    ? [decodePart(part), undefined]
    : [decodePart(part.slice(0, equals)), decodePart(part.slice(equals + 1))];
}

export function decodePart(part: string): string {
  const spaced = part.includes('+') ? part.replaceAll('+', ' ') : part;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    const bytes = Buffer.from(spaced, 'utf8').toString('latin1');
    const decoded = bytes.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    return Buffer.from(decoded, 'latin1').toString('utf8');
  }
}

/** Sorted by name and encoded anew, for Content-Location. */
export function canonicalQuery(pairs: readonly Pair[]): string {
  if (pairs.length === 0) return '';
  const sorted = pairs.length === 1 ? pairs : [...pairs].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return sorted.map(([name, value]) => `${encodePart(name)}=${encodePart(value ?? '')}`).join('&');
}

/** Everything but unreserved characters of RFC 3986. */
export function encodePart(text: string): string {
  if (/^[\w.~-]*$/.test(text)) return text;
  return encodeURIComponent(Buffer.from(text).toString()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function pathOf(name: string): string[] {
  if (!name.includes('.')) return [];
  return [...parseWith(treePath, name, 'tree path').path];
}

/** The path through embedded resources, which is empty for a plain name, and the field. */
function parseTreePath(name: string): { readonly path: readonly string[]; readonly field: Field } {
  if (/^[\w$]+$/.test(name)) return { path: [], field: { name, path: [] } };
  return parseWith(treePath, name, 'tree path');
}

export type PlainOperator = 'neq' | QuantifiedOperator;

const plainOperators: ReadonlySet<string> = new Set<PlainOperator>([
  'eq',
  'neq',
  'gte',
  'gt',
  'lte',
  'lt',
  'like',
  'ilike',
  'match',
  'imatch',
]);

/** `eq.1` and its like, as most filters are, for which no parser is needed; undefined: it is something else. */
export function plainFilter(text: string): { readonly operator: PlainOperator; readonly value: string } | undefined {
  const dot = text.indexOf('.');
  const operator = text.slice(0, Math.max(0, dot));
  return plainOperators.has(operator) ? { operator: operator as PlainOperator, value: text.slice(dot + 1) } : undefined;
}

export function plainOperation(operator: PlainOperator, value: Value): Operation {
  return operator === 'neq'
    ? { kind: 'simple', operator, value }
    : { kind: 'quantified', operator, quantifier: undefined, value };
}

function parseExpression(value: string, argument: boolean): Omit<Filter, 'field'> | undefined {
  const plain = plainFilter(value);
  if (plain !== undefined) return { not: false, operation: plainOperation(plain.operator, plain.value) };
  const reply = filterExpression(value, 0);
  if (reply.ok) return reply.value;
  if (argument && !reply.consumed) return undefined;
  throw parseError(value, 'filter', value, reply.error);
}

function parseSelect(text: string): readonly SelectItem[] {
  const known = selects.get(text);
  if (known !== undefined) return known;
  const items = parseWith(selectItems, text, 'select parameter');
  selects.set(text, items);
  return items;
}

function parseOrder(text: string): readonly OrderTerm[] {
  const known = orders.get(text);
  if (known !== undefined) return known;
  const terms = parseWith(orderTerms, text, 'order');
  orders.set(text, terms);
  return terms;
}

function parseLogic(name: string, value: string): AtPath<Logic> {
  const { path, operator } = parseWith(logicPath, name, 'logic path');
  return { path, value: parseWith(logicTree, `${operator}${value}`, 'logic tree', value) };
}

function parseWith<T>(parser: Parser<T>, text: string, what: string, shown = text): T {
  if (nesting(text) > deepest) {
    throw queryParseError(
      `"failed to parse ${what} (${shown.slice(0, 200)}…)"`,
      `nested deeper than ${deepest} levels`,
    );
  }
  const reply = parser(text, 0);
  if (reply.ok) return reply.value;
  throw parseError(text, what, shown, reply.error);
}

function parseError(text: string, what: string, shown: string, error: Parameters<typeof describeFailure>[0]): Error {
  const message = `"failed to parse ${what} (${shown})" ${describePosition(text, error.at)}`;
  return queryParseError(message, describeFailure(error));
}

function nesting(text: string): number {
  let depth = 0;
  let most = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 40) most = Math.max(most, ++depth);
    else if (code === 41) depth--;
  }
  return most;
}
