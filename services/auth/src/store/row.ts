import type { StatementResult } from '@holdfast/postgres';

/** Turns one value of a row, PostgreSQL's text or null, into ours. */
export type Decode<T> = (value: string | null) => T;

/** ISO 8601 in UTC with up to six digits of a second: `2026-01-02T03:04:05.678901Z`. */
export type Timestamp = string;

export const optionalText: Decode<string | null> = (value) => value;

export const text: Decode<string> = (value) => value ?? '';

export const truth: Decode<boolean> = (value) => value === 't' || value === 'true';

export const integer: Decode<number> = (value) => Number(value ?? 0);

export const bigInteger: Decode<bigint | null> = (value) => (value === null ? null : BigInt(value));

export const timestamp: Decode<Timestamp | null> = (value) => (value === null ? null : isoTimestamp(value));

/** jsonb; null where the column is null. */
export function json<T>(): Decode<T | null> {
  return (value) => (value === null ? null : (JSON.parse(value) as T));
}

export function jsonOr<T>(fallback: T): Decode<T> {
  return (value) => (value === null ? fallback : (JSON.parse(value) as T));
}

/**
 * PostgreSQL's text (DateStyle ISO) of timestamptz, or of timestamp, which Auth's tables hold in UTC. `infinity` becomes the year 9999, since
 * RFC 3339 knows no end of time.
 */
export function isoTimestamp(value: string): Timestamp {
  if (value === 'infinity') return '9999-12-31T23:59:59Z';
  if (value === '-infinity') return '0001-01-01T00:00:00Z';
  const [, date, time, zone = '+00'] =
    /^(\d+-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-][\d:]+)?/.exec(value) ?? [];
  if (date === undefined || time === undefined) return value;
  if (/^(Z|[+-]00(:00)*)$/.test(zone)) return `${date}T${time}Z`;
  const [hours = '00', minutes = '00'] = zone.slice(1).split(':');
  const shift = (zone.startsWith('-') ? 1 : -1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  const [whole = time, fraction] = time.split('.');
  const utc = new Date(Date.parse(`${date}T${whole}Z`) + shift).toISOString().slice(0, 19);
  return fraction === undefined ? `${utc}Z` : `${utc}.${fraction}Z`;
}

type Decoders = Readonly<Record<string, Decode<unknown>>>;

export type RowOf<C extends Columns<Decoders>> = ReturnType<C['read']>;

export interface Columns<D extends Decoders> {
  /** For SELECT and RETURNING, each with the table's alias where one is given. */
  sql(alias?: string): string;
  readonly width: number;
  read(row: readonly (string | null)[], offset?: number): { readonly [K in keyof D]: ReturnType<D[K]> };
}

/** The columns of a table, in the order in which they are asked for, and how each is read. */
export function columns<D extends Decoders>(decoders: D): Columns<D> {
  const entries = Object.entries(decoders);
  const names = entries.map(([name]) => name);
  return {
    width: entries.length,
    sql: (alias) => (alias === undefined ? names : names.map((name) => `${alias}.${name}`)).join(', '),
    read(row, offset = 0) {
      const read: Record<string, unknown> = {};
      entries.forEach(([name, decode], index) => {
        read[name] = decode(row[offset + index] ?? null);
      });
      return read as { readonly [K in keyof D]: ReturnType<D[K]> };
    },
  };
}

/** The only row. Throws where there is none. */
export function oneRow<T>(read: (row: readonly (string | null)[]) => T): (result: StatementResult) => T {
  return (result) => {
    const [row] = result.rows;
    if (row === undefined) throw new Error('the statement answered no row');
    return read(row);
  };
}

export function maybeRow<T>(read: (row: readonly (string | null)[]) => T): (result: StatementResult) => T | undefined {
  return ({ rows: [row] }) => (row === undefined ? undefined : read(row));
}

export function allRows<T>(read: (row: readonly (string | null)[]) => T): (result: StatementResult) => readonly T[] {
  return ({ rows }) => rows.map((row) => read(row));
}
