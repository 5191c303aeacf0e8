import { poolerAdmin } from '@holdfast/components';
import { connect } from '@holdfast/postgres';
import type { PodWay } from '@holdfast/runtime';
import { unlessAborted } from '../unless-aborted.js';

export interface PoolerConsoleTarget {
  readonly host: string;
  readonly port: number;
  /** The secret `pooler-admin`. */
  readonly password: string;
  /** Where host and port are a door that ends with this process: how another one opens its own. */
  readonly way?: PodWay;
  /** Of several: which one it is; another after a restart. */
  readonly instance?: string;
}

/** PgBouncer's own words; `paused` includes a PAUSE that still waits for transactions to end. */
export type PoolerState = 'active' | 'paused';

/** One pool: a database and a user. */
export interface PoolerPool {
  readonly database: string;
  readonly user: string;
  readonly clientsActive: number;
  readonly clientsWaiting: number;
  readonly serversActive: number;
}

/**
 * PgBouncer's console (https://www.pgbouncer.org/usage.html#admin-console): the database `pgbouncer`, simple protocol only. Each
 * call opens a connection of its own. Throws HF_POSTGRES_UNREACHABLE when there is no console, what PgBouncer answers as pg's
 * DatabaseError, and the signal's reason.
 */
export interface PoolerConsole {
  /**
   * Takes no new transaction and answers when the last one has ended and its server connection is closed. Ended by the signal before, the
   * PAUSE stays in force. Resolves false when it was paused already.
   */
  pause(signal: AbortSignal): Promise<boolean>;
  /** Resolves false when it was not paused. */
  resume(signal: AbortSignal): Promise<boolean>;
  state(signal: AbortSignal): Promise<PoolerState>;
  pools(signal: AbortSignal): Promise<readonly PoolerPool[]>;
}

const connectMilliseconds = 2000;
/** No command waits so long of itself; the signal bounds PAUSE. */
const commandMilliseconds = 600_000;

export function createPoolerConsole(target: PoolerConsoleTarget): PoolerConsole {
  async function run<Row extends Record<string, unknown>>(sql: string, signal: AbortSignal): Promise<readonly Row[]> {
    signal.throwIfAborted();
    await using connection = await connect(
      { ...target, user: poolerAdmin, database: 'pgbouncer' },
      {
        timeoutMilliseconds: connectMilliseconds,
        statementTimeoutMilliseconds: commandMilliseconds,
        serverTimeout: false,
      },
    );
    return await unlessAborted(connection.query<Row>(sql), signal);
  }

  /** True, or false where PgBouncer answers that it is so already. */
  async function change(sql: string, already: RegExp, signal: AbortSignal): Promise<boolean> {
    try {
      await run(sql, signal);
      return true;
    } catch (error) {
      if (saysSo(error, already)) return false;
      throw error;
    }
  }

  return {
    pause: async (signal) => await change('PAUSE', /already suspended\/paused/, signal),
    resume: async (signal) => await change('RESUME', /not paused\/suspended/, signal),
    async state(signal) {
      // 1.18 cannot show it, but looks whether it is paused before it refuses to pause its own console.
      try {
        await run('PAUSE pgbouncer', signal);
        return 'active';
      } catch (error) {
        if (saysSo(error, /already suspended\/paused/)) return 'paused';
        if (saysSo(error, /cannot pause admin db/)) return 'active';
        throw error;
      }
    },
    async pools(signal) {
      const rows = await run<Record<string, string>>('SHOW POOLS', signal);
      return rows
        .filter(({ database }) => database !== 'pgbouncer')
        .map((row) => ({
          database: row.database ?? '',
          user: row.user ?? '',
          clientsActive: Number(row.cl_active),
          clientsWaiting: Number(row.cl_waiting),
          serversActive: Number(row.sv_active),
        }));
    },
  };
}

function saysSo(error: unknown, words: RegExp): boolean {
  return error instanceof Error && words.test(error.message);
}
