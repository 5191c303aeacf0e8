import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, type ConnectionTarget, connect } from '@holdfast/postgres';
import { errorText, logEvent } from './log.js';
import { receiveFrom, restoreSource, type WalSource } from './receive-wal.js';
import type { PostgresState, WalSender } from './view.js';

const pollMilliseconds = 200;
/** While a promotion is expected. */
const eagerMilliseconds = 10;
const answerMilliseconds = 1000;

export interface PostgresSight {
  readonly state: PostgresState;
  readonly position: number;
  /** See AgentView. */
  readonly stream: string | undefined;
  readonly senders: readonly WalSender[];
  /** See AgentView. */
  readonly commitsWait: boolean;
}

const nothing: PostgresSight = { state: 'unknown', position: 0, stream: undefined, senders: [], commitsWait: false };

interface Row extends Record<string, unknown> {
  readonly standby: boolean;
  readonly position: string | null;
  readonly stream: string | null;
  readonly senders: readonly { name: string; pid: number; state: string; sync: string; age: number | null }[] | null;
  readonly named: boolean;
  readonly checkpointer: number | null;
}

const question = `SELECT pg_is_in_recovery() AS standby,
  pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
    ELSE pg_current_wal_flush_lsn() END, '0/0')::text AS position,
  (SELECT concat(sender_host, ':', sender_port, '/', received_tli) FROM pg_stat_wal_receiver
    WHERE status = 'streaming') AS stream,
  (SELECT json_agg(json_build_object('name', application_name, 'pid', pid, 'state', state, 'sync', sync_state,
    'age', extract(epoch FROM clock_timestamp() - reply_time) * 1000)) FROM pg_stat_replication) AS senders,
  current_setting('synchronous_standby_names') <> '' AS named,
  (SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'
    AND wait_event IN ('CheckpointerMain', 'CheckpointWriteDelay')) AS checkpointer`;

/** Watches the member's own PostgreSQL over one connection: its end tells of a crash at once. */
export class OwnPostgres {
  readonly #target: ConnectionTarget;
  readonly #dataDirectory: string;
  readonly #changed: () => void;
  #sight: PostgresSight = nothing;
  #connection: Connection | undefined;
  #eager = false;
  #sourceIsSure = false;
  #askedAt = 0;
  #wake = new AbortController();

  constructor(target: ConnectionTarget, dataDirectory: string, changed: () => void) {
    this.#target = target;
    this.#dataDirectory = dataDirectory;
    this.#changed = changed;
  }

  get sight(): PostgresSight {
    return this.#sight;
  }

  /** When the question was sent that `sight` answers, by performance.now(). */
  get askedAt(): number {
    return this.#askedAt;
  }

  /** True while somebody waits for the next answer: ask as often as possible. */
  set eager(eager: boolean) {
    if (eager && !this.#eager) this.#wake.abort();
    this.#eager = eager;
  }

  /** Resolves when `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        await this.#look(signal);
        this.#wake = new AbortController();
        const pause = this.#eager ? eagerMilliseconds : this.#sight.state === 'unknown' ? 50 : pollMilliseconds;
        await sleep(pause, undefined, { signal: AbortSignal.any([signal, this.#wake.signal]) }).catch(() => undefined);
      }
    } finally {
      await this.#connection?.[Symbol.asyncDispose]();
    }
  }

  /** Ends one WAL sender. Answers false when it was gone already. */
  async endWalSender(pid: number, standby: string): Promise<boolean> {
    const sql =
      'SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_replication WHERE pid = $1 AND application_name = $2';
    const rows = await this.#connection?.query<{ ended: boolean }>(sql, [pid, standby]);
    return rows?.[0]?.ended === true;
  }

  /** Has this standby receive WAL from another one; see receiveFrom. Answers false when PostgreSQL is not connected to. */
  async receiveFrom(source: WalSource, position: number, signal: AbortSignal): Promise<boolean> {
    return (
      this.#connection !== undefined &&
      (await receiveFrom(this.#connection, this.#dataDirectory, source, position, signal))
    );
  }

  /** Stops PostgreSQL in its immediate mode (PostgreSQL manual, 19.5: SIGQUIT). Answers false when it did not run. */
  stopImmediately(): boolean {
    const pid = this.#postmaster();
    if (pid === undefined || !this.#isPostmaster(pid)) return false;
    process.kill(pid, 'SIGQUIT');
    return true;
  }

  async #look(signal: AbortSignal): Promise<void> {
    const before = this.#sight;
    try {
      if (this.#connection === undefined) {
        this.#connection = await connect(this.#target, {
          timeoutMilliseconds: answerMilliseconds,
          statementTimeoutMilliseconds: answerMilliseconds,
          applicationName: 'holdfast-agent',
          onEnd: () => this.#wake.abort(),
        });
        await this.#makeSureOfSource(this.#connection);
      }
      const askedAt = performance.now();
      const [row] = await this.#connection.query<Row>(question);
      if (row !== undefined) {
        this.#askedAt = askedAt;
        const commitsWait = row.named && (before.commitsWait || hasNoSignalPending(row.checkpointer));
        this.#sight = { ...readRow(row, before), commitsWait };
      }
    } catch (error) {
      const connection = this.#connection;
      this.#connection = undefined;
      void connection?.[Symbol.asyncDispose]();
      if (signal.aborted) return;
      const state = this.#stateWithoutAnswer();
      const commitsWait = state === 'unknown' && before.commitsWait;
      this.#sight = { ...nothing, state, commitsWait, position: before.position };
      if (this.#sight.state !== before.state)
        logEvent('postgres-silent', { state: this.#sight.state, error: errorText(error) });
    }
    if (this.#eager || JSON.stringify(this.#sight) !== JSON.stringify(before)) this.#changed();
  }

  /** Once in this process's life; should it fail, PostgreSQL is watched all the same, and the next connection tries again. */
  async #makeSureOfSource(connection: Connection): Promise<void> {
    if (this.#sourceIsSure) return;
    try {
      if (await restoreSource(connection, this.#dataDirectory)) logEvent('source-restored', {});
      this.#sourceIsSure = true;
    } catch (error) {
      logEvent('source-not-restored', { error: errorText(error) });
    }
  }

  /** postmaster.pid goes when PostgreSQL shuts down, in every mode, and stays when it is killed. */
  #stateWithoutAnswer(): PostgresState {
    const pid = this.#postmaster();
    if (pid === undefined) return 'stopped';
    return this.#isPostmaster(pid) ? 'unknown' : 'crashed';
  }

  #postmaster(): number | undefined {
    try {
      const pid = Number(readFileSync(join(this.#dataDirectory, 'postmaster.pid'), 'utf8').split('\n')[0]);
      return Number.isInteger(pid) && pid > 1 ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  /** A number may have been given to another process since. */
  #isPostmaster(pid: number): boolean {
    try {
      const state = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0];
      if (state === 'Z' || state === 'X') return false;
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(this.#dataDirectory);
    } catch {
      return false;
    }
  }
}

function readRow(
  { standby, position, stream, senders }: Row,
  before: PostgresSight,
): Omit<PostgresSight, 'commitsWait'> {
  return {
    state: standby ? 'standby' : 'primary',
    position: Number(position ?? 0),
    stream: standby ? (stream ?? before.stream) : undefined,
    senders: (senders ?? []).map(({ name, pid, state, sync, age }) => ({
      standby: name,
      pid,
      streaming: state === 'streaming',
      synchronous: sync === 'sync' || sync === 'quorum',
      replyAge: age ?? 0,
    })),
  };
}

/**
 * Commits wait for a standby only from when the checkpointer has read synchronous_standby_names: it keeps the flag that every commit
 * looks at (PostgreSQL, syncrep.c, SyncRepUpdateSyncStandbysDefined), and it may be busy while other processes show the new setting.
 * Asleep in its loop, or between two writes of a checkpoint, with no signal waiting for it, it has read it (checkpointer.c, CheckpointerMain and
 * CheckpointWriteDelay). The signal was sent before the setting was seen by us.
 *
 * The checkpointer of a standby keeps the flag as well (checkpointer.c, UpdateSharedMemoryConfig), and is at rest until the promotion, for whose
 * checkpoint, up to a second's work, nobody has to wait so.
 */
function hasNoSignalPending(pid: number | null): boolean {
  if (pid === null) return false;
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return ['SigPnd', 'ShdPnd'].every((name) =>
      /^0+$/.test(new RegExp(`^${name}:\\s*(\\w+)$`, 'm').exec(status)?.[1] ?? ''),
    );
  } catch {
    return false;
  }
}
