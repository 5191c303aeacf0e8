import { invalidPath, invalidRpcMethod, unsupportedMethod } from '../errors/request-errors.js';
import type { MutationMethod } from '../plan/plan-mutation.js';

/** What a request is about, by its method and path. */
export type Target =
  | { readonly kind: 'root'; readonly isHead: boolean }
  | { readonly kind: 'read'; readonly table: string; readonly isHead: boolean }
  | { readonly kind: 'mutation'; readonly table: string; readonly method: MutationMethod }
  /** By GET and HEAD its arguments are in the query string, and it cannot write. */
  | { readonly kind: 'call'; readonly routine: string; readonly method: 'GET' | 'HEAD' | 'POST' }
  | { readonly kind: 'info'; readonly about: 'root' | 'table' | 'routine'; readonly name: string };

/** @param path Begins with a slash, as the client encoded it. Throws PGRST101, 117 and 125. */
export function targetOf(method: string, path: string): Target {
  const segments = path.split('/').slice(1).map(decodeSegment);
  // One slash at the end does not matter.
  if (segments.length > 1 && segments.at(-1) === '') segments.pop();
  const [first = '', second, ...rest] = segments;
  if (rest.length > 0 || (second !== undefined && first !== 'rpc')) throw invalidPath();
  if (first === '') return rootTarget(method);
  if (second !== undefined) return routineTarget(method, second);
  return tableTarget(method, first);
}

function decodeSegment(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    throw invalidPath();
  }
}

function rootTarget(method: string): Target {
  if (method === 'GET' || method === 'HEAD') return { kind: 'root', isHead: method === 'HEAD' };
  if (method === 'OPTIONS') return { kind: 'info', about: 'root', name: '' };
  throw unsupportedMethod(method);
}

function routineTarget(method: string, routine: string): Target {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'POST':
      return { kind: 'call', routine, method };
    case 'OPTIONS':
      return { kind: 'info', about: 'routine', name: routine };
    default:
      throw invalidRpcMethod(method);
  }
}

function tableTarget(method: string, table: string): Target {
  switch (method) {
    case 'GET':
    case 'HEAD':
      return { kind: 'read', table, isHead: method === 'HEAD' };
    case 'POST':
    case 'PATCH':
    case 'PUT':
    case 'DELETE':
      return { kind: 'mutation', table, method };
    case 'OPTIONS':
      return { kind: 'info', about: 'table', name: table };
    default:
      throw unsupportedMethod(method);
  }
}
