import type { Statement, StatementResult } from '@holdfast/postgres';

/** A statement and how its answer is read: said apart from being run, so that several go in one round trip. */
export interface Query<T> {
  readonly statement: Statement;
  readonly read: (result: StatementResult) => T;
}

/** Runs statements in a transaction that is under way. */
export type Run = (...statements: readonly Statement[]) => Promise<readonly StatementResult[]>;

export function query<T>(text: string, values: readonly unknown[], read: (result: StatementResult) => T): Query<T> {
  return { statement: { text, values }, read };
}

/** The same, planned once a connection: for what runs all the time. The name stands for this text alone. */
export function prepared<T>(name: string, asked: Query<T>): Query<T> {
  return { ...asked, statement: { ...asked.statement, name } };
}

/** A query whose answer is how many rows it touched. */
export function command(text: string, values: readonly unknown[]): Query<number> {
  return { statement: { text, values }, read: ({ count }) => count };
}

/** Runs all of them in one round trip. */
export async function ask<T extends readonly unknown[]>(
  run: Run,
  ...queries: { readonly [K in keyof T]: Query<T[K]> }
): Promise<T> {
  const results = await run(...queries.map(({ statement }) => statement));
  return readAll(queries, results);
}

export async function askOne<T>(run: Run, query: Query<T>): Promise<T> {
  const [answer] = await ask<[T]>(run, query);
  return answer;
}

export function readAll<T extends readonly unknown[]>(
  queries: { readonly [K in keyof T]: Query<T[K]> },
  results: readonly StatementResult[],
): T {
  return (queries as readonly Query<unknown>[]).map(({ read }, index) => {
    const result = results[index];
    if (result === undefined) throw new Error('a statement was not answered');
    return read(result);
  }) as unknown as T;
}

/** Names and placeholders for SET: `{ a: 1, b: null }` gives `a = $1, b = $2`. Names come from our code, never from outside. */
export function assignments(values: Readonly<Record<string, unknown>>, firstPlaceholder: number) {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return {
    sql: entries.map(([name], index) => `${name} = $${firstPlaceholder + index}`).join(', '),
    values: entries.map(([, value]) => encode(value)),
  };
}

/** `(a, b) VALUES ($1, $2)`. */
export function insertion(values: Readonly<Record<string, unknown>>) {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return {
    sql: `(${entries.map(([name]) => name).join(', ')}) VALUES (${entries.map((_, index) => `$${index + 1}`).join(', ')})`,
    values: entries.map(([, value]) => encode(value)),
  };
}

/** Objects and arrays go into json columns; pg would make a PostgreSQL array of an array. */
export function encode(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return value;
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}
