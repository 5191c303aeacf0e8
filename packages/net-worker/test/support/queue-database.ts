import type { NetConfiguration } from '@holdfast/components/net';
import { type Connection, connect } from '@holdfast/postgres';
import { applyMigrations, readSupabaseSchema } from '../../../migrations/src/index.js';
import {
  postgresBin,
  startThrowAwayPostgres,
  type ThrowAwayPostgres,
} from '../../../postgres/test/throw-away-postgres.js';
import { runWorker } from '../../src/index.js';

export { postgresBin };

export const password = 'the worker of a test';

export interface AnswerOf extends Record<string, unknown> {
  readonly id: number;
  readonly status_code: number | null;
  readonly content_type: string | null;
  readonly headers: Readonly<Record<string, string>> | null;
  readonly content: string | null;
  readonly timed_out: boolean;
  readonly error_msg: string | null;
}

/** A PostgreSQL with the database for Supabase (unless `bare`), and workers on it. */
export interface QueueDatabase extends AsyncDisposable {
  readonly server: ThrowAwayPostgres;
  readonly main: Connection;
  migrate(): Promise<void>;
  configuration(refusedPorts?: readonly number[]): NetConfiguration;
  /** Disposing stops it as SIGTERM does. */
  startWorker(worker: string, refusedPorts?: readonly number[]): AsyncDisposable;
  /** Runs SQL that answers one request's id. */
  ask(sql: string): Promise<number>;
  answer(id: number): Promise<AnswerOf>;
  /** Until so many answers are there, then all of them. */
  answers(count: number): Promise<readonly AnswerOf[]>;
  open(): Promise<Connection>;
}

export async function startQueueDatabase({ bare = false } = {}): Promise<QueueDatabase> {
  const server = await startThrowAwayPostgres(postgresBin ?? '');
  const open = async () =>
    await connect(server.target, { timeoutMilliseconds: 5000, statementTimeoutMilliseconds: 60_000 });
  const main = await open();
  const database: QueueDatabase = {
    server,
    main,
    open,
    async migrate() {
      const [schema] = await readSupabaseSchema();
      await applyMigrations(main, schema?.migrations ?? [], { signal: new AbortController().signal });
      await main.query(`ALTER ROLE holdfast_net PASSWORD '${password}'`);
    },
    configuration: (ports = []) => ({
      worker: 'unused',
      database: { host: server.target.host, port: server.target.port, user: 'holdfast_net', name: 'postgres' },
      connectMilliseconds: 5000,
      answersKeptSeconds: 21_600,
      refused: { addresses: [], ports },
    }),
    startWorker(worker, refusedPorts) {
      const stop = new AbortController();
      const running = runWorker({ configuration: database.configuration(refusedPorts), password, worker }, stop.signal);
      return {
        async [Symbol.asyncDispose]() {
          stop.abort();
          await running;
        },
      };
    },
    async ask(sql) {
      const [row] = await main.query(sql);
      return Number(Object.values(row ?? {})[0]);
    },
    async answer(id) {
      const [row] = await until(async () => {
        const rows = await main.query<AnswerOf>('SELECT * FROM net._http_response WHERE id = $1', [id]);
        return rows.length === 1 ? rows : undefined;
      }, `there is no answer to ${id}`);
      if (row === undefined) throw new Error('no row');
      return { ...row, id: Number(row.id) };
    },
    async answers(count) {
      await until(async () => {
        const [row] = await main.query<{ n: number }>('SELECT count(*)::integer AS n FROM net._http_response');
        return (row?.n ?? 0) >= count ? row : undefined;
      }, `there are no ${count} answers`);
      return await main.query<AnswerOf>('SELECT * FROM net._http_response ORDER BY id');
    },
    async [Symbol.asyncDispose]() {
      await main[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
  try {
    if (!bare) await database.migrate();
    return database;
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
}

/** Asks again and again for what is not undefined. */
export async function until<T>(ask: () => Promise<T | undefined> | T | undefined, problem: string): Promise<T> {
  const end = performance.now() + 30_000;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(problem);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
