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
  OrderTerm,
  QuantifiedOperator,
  Query,
  RowRange,
  SelectItem,
} from './query.js';

/** Deeper nesting than anybody means, and shallow enough for the stack. */
const deepest = 60;

const selects = new BoundedCache<readonly SelectItem[]>(500);
const orders = new BoundedCache<readonly OrderTerm[]>(500);

const reservedLast: ReadonlySet<string> = new Set(['order', 'limit', 'offset', 'and', 'or']);

export interface QueryOptions {
  /** Of a function called by GET: what is no operator expression is an argument. */
  readonly arguments: boolean;
}

/** Parses what follows the `?`. Throws PGRST100. */
export function parseQuery(text: string, options: QueryOptions): Query {
  const pairs = splitPairs(text);
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
    if (name === 'select') select ??= value;
    else if (name === 'columns') columns ??= value;
    else if (name === 'on_conflict') onConflict ??= value;
    else {
      const last = name.slice(name.lastIndexOf('.') + 1);
      if (!reservedLast.has(last)) addFilter(name, value);
      else if (last === 'order') order.push({ path: pathOf(name), value: parseOrder(value) });
      else if (last === 'and' || last === 'or') logic.push(parseLogic(name, value));
      else addRange(name, last, value);
    }
  }

  function addFilter(name: string, value: string): void {
    filterNames.add(name);
    const { path, field } = parseTreePath(name);
    const expression = parseExpression(value, options.arguments);
    if (expression === undefined) parameters.push([field.name, value]);
    else filters.push({ path, value: { field, ...expression } });
  }

  function addRange(name: string, last: string, value: string): void {
    const path = pathOf(name);
    const key = path.join('\0');
    const range = ranges.get(key) ?? { path, offset: 0, limit: undefined };
    ranges.set(key, range);
    const number = /^\s*-?[0-9]+\s*$/.test(value) ? Number(value) : undefined;
    if (number === undefined || !Number.isSafeInteger(number)) return;
    if (last === 'limit') range.limit = number;
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
    canonical: canonicalQuery(pairs),
  };
}

/** A name without `=` has no value. Both are decoded; what is not UTF-8 becomes U+FFFD. */
export function splitPairs(text: string): readonly (readonly [string, string | undefined])[] {
  if (text === '') return [];
  return text
    .split(/[&;]/)
    .filter((part) => part !== '')
    .map((part) => {
      const equals = part.indexOf('=');
      return equals < 0
        ? ([decodePart(part), undefined] as const)
        : ([decodePart(part.slice(0, equals)), decodePart(part.slice(equals + 1))] as const);
    });
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

function canonicalQuery(pairs: readonly (readonly [string, string | undefined])[]): string {
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

const plainOperators: ReadonlySet<string> = new Set<QuantifiedOperator>([
  'eq',
  'gte',
  'gt',
  'lte',
  'lt',
  'like',
  'ilike',
  'match',
  'imatch',
]);

function parseExpression(value: string, argument: boolean): Omit<Filter, 'field'> | undefined {
  const dot = value.indexOf('.');
  const operator = value.slice(0, Math.max(0, dot));
  if (plainOperators.has(operator)) {
    const quantified = { kind: 'quantified', operator: operator as QuantifiedOperator, quantifier: undefined } as const;
    return { not: false, operation: { ...quantified, value: value.slice(dot + 1) } };
  }
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
