import type { HttpRequest } from './api-request.js';
import { patternText } from './pattern-text.js';
import {
  type Pair,
  parameterKind,
  plainFilter,
  plainOperation,
  type QueryPair,
  readPair,
  splitParts,
} from './query-string.js';
import { Slot } from './slot.js';

/** What a request's head has in common with others, and what it has for itself. */
export interface RequestShape {
  /** The same for heads that differ in nothing but `values`, and for no others. Undefined: the head has no shape worth being remembered. */
  readonly key: string | undefined;
  /** The parameters of the query string as they came. */
  readonly pairs: readonly Pair[];
  /** Of plain filters, in their order, as the statement takes them. */
  readonly values: readonly string[];
}

/** Longer ones are not remembered: what they cost is their own length. */
const longestKey = 2000;

/** No header's value can be that, since blanks around it do not belong to it. */
const absent = '\t';

/**
 * Most requests differ from one another in the values of plain filters (`id=eq.5`) alone. Whatever else changes from request to request, such as an
 * offset, a list or a tree of conditions, gives no shape: it would fill the memory of shapes with what does not come back. Pure.
 */
export function shapeOf({ method, path, query, headers }: HttpRequest): RequestShape {
  const pairs: Pair[] = [];
  const values: string[] = [];
  const profile = headers[method === 'GET' || method === 'HEAD' ? 'accept-profile' : 'content-profile'] ?? absent;
  const { accept = absent, prefer = absent, 'content-type': contentType = absent } = headers;
  // Of what comes from the request line and from headers nothing holds a line feed.
  let key: string | undefined = `${method}\n${path}\n${profile}\n${accept}\n${prefer}\n${contentType}\n`;
  if (method === 'GET' && headers.range !== undefined) key = undefined;
  for (const part of splitParts(query)) {
    const pair = readPair(part);
    pairs.push(pair);
    const [name, value] = pair;
    const plain = plainFilterOf(pair);
    if (plain !== undefined) {
      values.push(plain.operator.endsWith('like') ? patternText(plain.value) : plain.value);
      if (key !== undefined) key += `&${part.slice(0, part.indexOf('='))}=${plain.operator}.`;
    } else if (key !== undefined) key = comesBack(name, value) ? `${key}&${part}` : undefined;
  }
  return { key: key !== undefined && key.length <= longestKey ? key : undefined, pairs, values };
}

/** The same parameters with slots in place of `values`. Pure. */
export function withSlots(pairs: readonly Pair[]): readonly QueryPair[] {
  let slots = 0;
  return pairs.map((pair) => {
    const plain = plainFilterOf(pair);
    if (plain === undefined) return pair;
    const slot = new Slot(slots);
    slots += 1;
    return [pair[0], plainOperation(plain.operator, slot)];
  });
}

function plainFilterOf([name, value]: Pair): ReturnType<typeof plainFilter> {
  return value !== undefined && parameterKind(name) === 'filter' ? plainFilter(value) : undefined;
}

/** An application has few of these parameters. */
function comesBack(name: string, value: string | undefined): boolean {
  switch (parameterKind(name)) {
    case 'select':
    case 'columns':
    case 'on_conflict':
    case 'order':
    case 'limit':
      return true;
    case 'offset':
    case 'and':
    case 'or':
      return false;
    case 'filter':
      return value === undefined || /^(?:not\.)?is\./.test(value);
  }
}
