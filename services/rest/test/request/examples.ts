import fc from 'fast-check';
import { RestError } from '../../src/errors/rest-error.js';
import { parseQuery } from '../../src/request/query-string.js';

/** The error body of a query string that is refused. */
export function refusal(query: string): { readonly message: string; readonly details: unknown; readonly code: string } {
  try {
    parseQuery(query, { arguments: false });
  } catch (error) {
    if (error instanceof RestError) return error.body;
    throw error;
  }
  throw new Error(`nothing wrong was found in ${query}`);
}

/** Names of columns and relations, plain ones and such that need quotes. */
export const names = fc.oneof(
  fc.stringMatching(/^[a-z_][a-z0-9_$]{0,8}$/),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).filter((name) => !name.includes('\0')),
);

/** A name as it stands in a query. */
export function written(name: string): string {
  return `"${name.replace(/[\\"]/g, '\\$&')}"`;
}
