import { setMaxListeners } from 'node:events';
import { workloadNotPrepared } from '../errors.js';
import type { Recorder } from '../history/recorder.js';
import type { IsolationLevel, Outcome, WorkloadDescription, WorkloadName } from '../history/records.js';
import { seededRandom } from '../seeded-random.js';
import { appendWorkload } from './append-workload.js';
import { bankWorkload } from './bank-workload.js';
import { openConnection } from './connection.js';
import { registerWorkload } from './register-workload.js';
import { pause, record, runClient } from './run-client.js';
import { setWorkload } from './set-workload.js';
import { chaosSchema, type Workload } from './workload.js';

const workloads: Readonly<Record<WorkloadName, Workload>> = {
  set: setWorkload,
  append: appendWorkload,
  bank: bankWorkload,
  register: registerWorkload,
};

export interface WorkloadSize {
  /** Default 4. */
  readonly clients?: number;
  /** Most operations a second of each client; default 50. */
  readonly rate?: number;
  /** Default: serializable for append and bank, read committed for set and register. */
  readonly isolation?: IsolationLevel;
}

export interface StartWorkloadOptions extends WorkloadSize {
  /** The read-write port. */
  readonly url: string;
  /** The read-only port; without it all reads use the read-write port. */
  readonly readOnlyUrl?: string;
  /** A client without an answer for so long cuts its connection; default 2000. */
  readonly silenceMilliseconds?: number;
  readonly seed: string;
  readonly recorder: Recorder;
  /** Ends everything at once; what is under way is recorded as unknown. */
  readonly signal: AbortSignal;
}

export interface FinalReadOptions {
  /** Until when it is tried again and again, milliseconds from now; default 60 000. */
  readonly deadlineMilliseconds?: number;
  readonly signal?: AbortSignal;
}

export interface WorkloadCounts extends Readonly<Record<Outcome, number>> {
  /** Attempts to connect that came to nothing. */
  readonly connectFailures: number;
}

export interface RunningWorkload {
  readonly description: WorkloadDescription;
  /** So far. */
  counts(): WorkloadCounts;
  /** Begins nothing more and waits until what is under way has ended, which its silence bounds. Throws HF_CHAOS_HISTORY_WRITE. */
  stop(): Promise<void>;
  /** Reads and records all there is, after `stop`. Tries until it succeeds (true) or the deadline passes (false). */
  finalRead(options?: FinalReadOptions): Promise<boolean>;
}

/** The line of a history's header for this workload. */
export function describeWorkload(name: WorkloadName, size: WorkloadSize = {}): WorkloadDescription {
  const { defaultIsolation, options } = workloads[name];
  const { clients = 4, rate = 50, isolation = defaultIsolation } = size;
  return { name, isolation, clients, rate, options };
}

/**
 * Makes the workload's tables anew in the schema `holdfast_chaos` and starts its clients. Every client forks its random numbers from the seed,
 * the workload and its own place. Throws HF_CHAOS_WORKLOAD_PREPARE.
 */
export async function startWorkload(name: WorkloadName, options: StartWorkloadOptions): Promise<RunningWorkload> {
  const workload = workloads[name];
  const description = describeWorkload(name, options);
  const { recorder, signal, url, silenceMilliseconds = 2000 } = options;
  await prepare(workload, url, signal);

  const counts = { ok: 0, fail: 0, info: 0, connectFailures: 0 };
  const stopper = new AbortController();
  const cut = AbortSignal.any([signal]);
  const stop = AbortSignal.any([stopper.signal, signal]);
  // Every connection and every pause of every client listens.
  setMaxListeners(0, cut, stop);
  const random = seededRandom(options.seed).fork(name);
  const onOutcome = (outcome: Outcome) => {
    counts[outcome]++;
  };
  const clientOptions = {
    ...{ workload: name, isolation: description.isolation, rate: description.rate, silenceMilliseconds, recorder },
    urls: { rw: url, ...(options.readOnlyUrl === undefined ? {} : { ro: options.readOnlyUrl }) },
    stop,
    cut,
    onConnectFailure: () => {
      counts.connectFailures++;
    },
    onOutcome,
  };
  const clients = Array.from({ length: description.clients }, (_, index) => {
    const place = { index, clients: description.clients };
    return runClient(workload.client(random.fork(`client ${index}`), place), clientOptions);
  });
  const ended = Promise.allSettled(clients);
  return {
    description,
    counts: () => ({ ...counts }),
    async stop() {
      stopper.abort();
      const failed = (await ended).find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined;
      if (failed !== undefined) throw failed.reason;
    },
    finalRead: async ({ deadlineMilliseconds = 60_000, signal: own = signal } = {}) =>
      await finalRead(workload, {
        ...clientOptions,
        url,
        deadlineMilliseconds,
        signal: AbortSignal.any([signal, own]),
      }),
  };
}

async function prepare(workload: Workload, url: string, signal: AbortSignal): Promise<void> {
  try {
    const connection = await openConnection({ url, isolation: 'read committed', silenceMilliseconds: 10_000, signal });
    try {
      await connection.query('BEGIN');
      // Two workloads that make the schema at once would trip over each other.
      await connection.query(`SELECT pg_advisory_xact_lock(hashtext('${chaosSchema}'))`);
      await connection.query(`CREATE SCHEMA IF NOT EXISTS ${chaosSchema}`);
      for (const statement of workload.prepare) await connection.query(statement);
      await connection.query('COMMIT');
    } finally {
      connection.cut();
    }
  } catch (error) {
    signal.throwIfAborted();
    throw workloadNotPrepared(workload.name, error);
  }
}

/** A table that has grown takes its time to read. */
const finalReadSilence = 30_000;

async function finalRead(
  workload: Workload,
  options: {
    readonly url: string;
    readonly isolation: IsolationLevel;
    readonly recorder: Recorder;
    readonly deadlineMilliseconds: number;
    readonly signal: AbortSignal;
    onOutcome(outcome: Outcome): void;
  },
): Promise<boolean> {
  const { recorder, signal } = options;
  const deadline = performance.now() + options.deadlineMilliseconds;
  const process = recorder.nextProcess();
  const perform = workload.finalRead;
  for (let left = options.deadlineMilliseconds; left > 0 && !signal.aborted; left = deadline - performance.now()) {
    const silenceMilliseconds = Math.min(left, finalReadSilence);
    const { url, isolation } = options;
    const connection = await openConnection({ url, isolation, silenceMilliseconds, signal }).catch(() => undefined);
    let done = false;
    if (connection !== undefined) {
      let outcome: Outcome = 'fail';
      const attempt = { action: 'final-read', value: null, port: 'rw', perform } as const;
      await record(attempt, connection, process, {
        recorder,
        workload: workload.name,
        onOutcome: (each) => {
          outcome = each;
          options.onOutcome(each);
        },
      });
      done = (outcome as Outcome) === 'ok';
      connection.cut();
    }
    if (done) return true;
    await pause(200, signal);
  }
  return false;
}

/** Removes the schema `holdfast_chaos` and all in it. */
export async function dropChaosSchema(url: string, signal: AbortSignal): Promise<void> {
  const connection = await openConnection({ url, isolation: 'read committed', silenceMilliseconds: 10_000, signal });
  try {
    await connection.query(`DROP SCHEMA IF EXISTS ${chaosSchema} CASCADE`);
  } finally {
    connection.cut();
  }
}
