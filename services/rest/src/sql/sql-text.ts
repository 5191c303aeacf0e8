import { quoteIdentifier, quoteLiteral } from '@holdfast/postgres';
import type { Value } from '../request/slot.js';
import type { QualifiedName } from '../schema-cache/types.js';

/** Values of one statement; SQL text is built as plain strings beside it. */
export class Parameters {
  readonly values: (Value | Buffer | null)[] = [];

  /** The placeholder of a value whose type PostgreSQL infers. */
  add(value: Value | Buffer | null): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/** A name as SQL. A NUL ends PostgreSQL's idea of a query, so it cannot stay. */
export function name(text: string): string {
  return quoteIdentifier(withoutNul(text));
}

export function text(value: string): string {
  return quoteLiteral(withoutNul(value));
}

function withoutNul(value: string): string {
  return value.includes('\0') ? value.replaceAll('\0', '') : value;
}

export function qualified({ schema, name: own }: QualifiedName): string {
  return schema === '' ? name(own) : `${name(schema)}.${name(own)}`;
}

/** `{"a","b"}`, PostgreSQL's text of an array. */
export function arrayText(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replace(/[\\"]/g, '\\$&')}"`).join(',')}}`;
}
