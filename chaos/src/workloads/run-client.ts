import { setTimeout as sleep } from 'node:timers/promises';
import type { Recorder } from '../history/recorder.js';
import type { IsolationLevel, PortKind, WorkloadName } from '../history/records.js';
import { NotAcknowledged } from './attempt.js';
import { type ClientConnection, openConnection } from './connection.js';
import type { Attempt } from './workload.js';

export interface ClientOptions {
  readonly workload: WorkloadName;
  readonly isolation: IsolationLevel;
  /** Without a read-only port its reads go to the read-write port. */
  readonly urls: Readonly<Partial<Record<PortKind, string>>> & { readonly rw: string };
  /** Operations a second. */
  readonly rate: number;
  readonly silenceMilliseconds: number;
  readonly recorder: Recorder;
  /** Begin nothing more. */
  readonly stop: AbortSignal;
  /** Cut what is under way. */
  readonly cut: AbortSignal;
  /** Called for every attempt to connect that came to nothing. */
  onConnectFailure(): void;
  onOutcome(outcome: 'ok' | 'fail' | 'info'): void;
}

/** Between attempts to connect. */
const retryMilliseconds = 50;

/** One client, until it is stopped: one operation at a time, at most at its rate; a connection that is lost or silent is replaced. */
export async function runClient(next: () => Attempt, options: ClientOptions): Promise<void> {
  const { recorder, stop } = options;
  const process = recorder.nextProcess();
  const connections = new Map<PortKind, ClientConnection>();
  const interval = 1000 / options.rate;
  let due = performance.now() + interval * (process % 16) * (1 / 16);
  try {
    while (!stop.aborted) {
      const wanted = next();
      const attempt = options.urls.ro === undefined ? { ...wanted, port: 'rw' as const } : wanted;
      // A client that is late does not catch up in a burst.
      due = Math.max(due + interval, performance.now());
      await pause(due - performance.now(), stop);
      const connection = await connected(attempt.port, connections, options);
      if (connection === undefined || stop.aborted) return;
      await recorder.ready();
      const keep = await record(attempt, connection, process, options);
      if (!keep) {
        connection.cut();
        connections.delete(attempt.port);
        await pause(retryMilliseconds / 5, stop);
      }
    }
  } finally {
    for (const connection of connections.values()) connection.cut();
  }
}

/** Performs and records one operation; answers whether its connection can be used on. */
export async function record(
  { action, value, port, perform }: Attempt,
  connection: ClientConnection,
  process: number,
  { recorder, workload, onOutcome }: Pick<ClientOptions, 'recorder' | 'workload' | 'onOutcome'>,
): Promise<boolean> {
  recorder.record({ type: 'invoke', process, workload, action, port, value });
  const known = { process, workload, action, server: connection.server };
  try {
    const result = await perform(connection);
    recorder.record({ type: 'ok', ...known, value: result });
    onOutcome('ok');
    return true;
  } catch (error) {
    if (!(error instanceof NotAcknowledged)) {
      // A defect of ours, but not one that may leave an operation without an end.
      recorder.record({ type: 'info', ...known, error: { code: 'defect', message: String(error) } });
      throw error;
    }
    recorder.record({ type: error.outcome, ...known, error: error.error });
    onOutcome(error.outcome);
    return !error.reconnect;
  }
}

async function connected(
  port: PortKind,
  connections: Map<PortKind, ClientConnection>,
  options: ClientOptions,
): Promise<ClientConnection | undefined> {
  const { stop, cut, isolation } = options;
  const present = connections.get(port);
  if (present !== undefined) return present;
  while (!stop.aborted) {
    try {
      const connection = await openConnection({
        url: options.urls[port] ?? options.urls.rw,
        // PostgreSQL has no serializable transactions on a standby.
        isolation: port === 'ro' && isolation === 'serializable' ? 'repeatable read' : isolation,
        silenceMilliseconds: options.silenceMilliseconds,
        signal: cut,
      });
      connections.set(port, connection);
      return connection;
    } catch {
      if (cut.aborted) return undefined;
      options.onConnectFailure();
      await pause(retryMilliseconds, stop);
    }
  }
  return undefined;
}

/** Sleeps; an abort ends it early, and is no error. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds <= 0) return;
  await sleep(milliseconds, undefined, { signal }).catch(() => {});
}
