import type { NetConfiguration } from '@holdfast/components/net';
import { connect } from '@holdfast/postgres';
import type { AnswerRow } from './answer-row.js';
import type { ClaimedRequest } from './claimed-request.js';
import { limits } from './limits.js';

/** The queue in the database, over one connection. Not for concurrent use; every call throws when the connection is lost. */
export interface Queue extends AsyncDisposable {
  /** At most so many, of together about so many bytes. */
  claim(requests: number, bytes: number): Promise<readonly ClaimedRequest[]>;
  record(answers: readonly AnswerRow[]): Promise<void>;
  /** Claims of this worker but those with these tokens. `unsent`: they do not count as attempts. */
  release(keep: readonly string[], unsent: boolean): Promise<void>;
  /** Answers how many rows it deleted, at most `deleteAtOnce`. */
  deleteOldAnswers(): Promise<number>;
}

export interface QueueOptions {
  readonly configuration: NetConfiguration;
  readonly password: string;
  /** Of this worker; nobody else's. */
  readonly worker: string;
  /** There may be new requests. */
  readonly onWake: () => void;
  readonly onEnd: () => void;
}

export const deleteAtOnce = 1000;

/** There is nothing to empty: the schema is not there yet, or pg_net itself is. */
export class NoQueue extends Error {
  override name = 'NoQueue';
}

/** A commit may wait for a synchronous standby as long. */
const statementMilliseconds = 60_000;
const claim = 'net._claim_requests(text, integer, bigint, integer, integer)';

interface Row extends Record<string, unknown> {
  readonly id: string;
  readonly token: string;
  readonly attempts: number;
  readonly method: string;
  readonly url: string | null;
  readonly headers: Readonly<Record<string, string>> | null;
  readonly body: Buffer | null;
  readonly timeout_milliseconds: number;
  readonly size: string;
}

/** Connects and listens. Earlier sessions of the same worker are ended: its process has given them up. Throws NoQueue. */
export async function openQueue(options: QueueOptions): Promise<Queue> {
  const { configuration, password, worker, onWake, onEnd } = options;
  const { host, port, user, name: database } = configuration.database;
  // PostgreSQL keeps 63 bytes of it.
  const applicationName = `holdfast-net ${worker}`.slice(0, 63);
  const connection = await connect(
    { host, port, user, password, database },
    {
      timeoutMilliseconds: configuration.connectMilliseconds,
      statementTimeoutMilliseconds: statementMilliseconds,
      applicationName,
      onEnd,
      onNotification: onWake,
    },
  );
  try {
    const [found] = await connection.query<{ ready: boolean }>('SELECT to_regprocedure($1) IS NOT NULL AS ready', [
      claim,
    ]);
    if (found?.ready !== true) throw new NoQueue('the database has no queue for this worker');
    await connection.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND application_name = $1 AND pid <> pg_backend_pid()',
      [applicationName],
    );
    await connection.query('LISTEN holdfast_net');
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
  return {
    async claim(requests, bytes) {
      const values = [worker, requests, bytes, limits.requestBytes, limits.graceMilliseconds];
      const rows = await connection.query<Row>('SELECT * FROM net._claim_requests($1, $2, $3, $4, $5)', values);
      return rows.map(({ timeout_milliseconds: timeoutMilliseconds, size, ...row }) => ({
        ...row,
        timeoutMilliseconds,
        size: Number(size),
      }));
    },
    async record(answers) {
      await connection.query('SELECT net._record_responses($1)', [JSON.stringify(answers)]);
    },
    async release(keep, unsent) {
      await connection.query('SELECT net._release_requests($1, $2, $3)', [worker, keep, unsent]);
    },
    async deleteOldAnswers() {
      const [row] = await connection.query<{ deleted: number }>(
        "SELECT net._delete_responses($1 * interval '1 second', $2) AS deleted",
        [configuration.answersKeptSeconds, deleteAtOnce],
      );
      return row?.deleted ?? 0;
    },
    [Symbol.asyncDispose]: async () => await connection[Symbol.asyncDispose](),
  };
}
