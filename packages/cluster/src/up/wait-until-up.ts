import { setTimeout as sleep } from 'node:timers/promises';
import { dcsPrefix, readPatroniKeys } from '@holdfast/components';
import { connect } from '@holdfast/postgres';
import type { UnitStatus } from '@holdfast/runtime';
import { type Secrets, timeLimit } from '@holdfast/spec';
import type { ClusterContext } from '../context.js';
import { notInTime } from '../errors.js';
import type { ClusterView } from '../view/view.js';
import { waitForView } from '../view/wait-for-view.js';

export interface Primary {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** A unit that failed so often has a lasting reason; waiting longer would only hide it. */
const hopelessRestarts = 4;
const etcdMilliseconds = 500;
/** Between two looks at what keeps units from starting. */
const examineMilliseconds = 2000;
/** Longer than they wait for their turn (Yielding). */
const latecomerMilliseconds = 15_000;

/**
 * Waits until one member is a running primary by its own Patroni's word. Throws HF_UP_TIMEOUT with the state of the units,
 * early when no member can start at all.
 */
export async function waitForPrimary(
  context: ClusterContext,
  timeoutSeconds: number,
  signal: AbortSignal,
): Promise<Primary> {
  const end = performance.now() + timeoutSeconds * 1000;
  for (let round = 0; ; round++) {
    const found = (await isLed(context, signal)) ? await findPrimary(context, signal) : undefined;
    if (found !== undefined) return found;
    if (round % 10 === 9 || performance.now() >= end) {
      const units = await context.runtime.status(signal);
      if (performance.now() >= end || isHopeless(units))
        throw notInTime('A primary', timeoutSeconds, describeUnits(units));
      await context.runtime.examineStart?.(signal);
    }
    await sleep(100, undefined, { signal });
  }
}

/**
 * Does somebody hold the lock, or can etcd not tell? Members that are starting need the processor themselves: for a Patroni without its PostgreSQL
 * each question is a connection attempt, for etcd a read.
 */
async function isLed(context: ClusterContext, signal: AbortSignal): Promise<boolean> {
  const { clients, spec } = context;
  const prefix = dcsPrefix(spec);
  try {
    const limit = timeLimit(signal, etcdMilliseconds);
    const entries = await Promise.any(clients.etcd.map(async ({ client }) => await client.getPrefix(prefix, limit)));
    return readPatroniKeys(prefix, entries).raw.leader !== undefined;
  } catch {
    signal.throwIfAborted();
    return true;
  }
}

/** The member that is a running primary by its own Patroni's word; of several, as after a thaw, the one on the newest timeline. */
export async function findPrimary(context: ClusterContext, signal: AbortSignal): Promise<Primary | undefined> {
  const answers = await Promise.allSettled(
    context.clients.patroni.map(async ({ member, client }) => ({ member, state: await client.state(signal) })),
  );
  signal.throwIfAborted();
  const [newest] = answers
    .flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
    .filter(({ state }) => state.role === 'primary' && state.state === 'running')
    .sort((one, other) => (other.state.timeline ?? 0) - (one.state.timeline ?? 0));
  return context.spec.members.find(({ name }) => name === newest?.member);
}

/** Pure: every member keeps failing, or every etcd does. */
export function isHopeless(units: readonly UnitStatus[]): boolean {
  return ['patroni', 'etcd'].some((component) => {
    const all = units.filter((unit) => unit.component === component);
    return all.length > 0 && all.every(({ state, restarts }) => state === 'backoff' && restarts >= hopelessRestarts);
  });
}

/** Waits until a transaction through HAProxy's read-write port finds a primary. */
export async function waitForReadWrite(
  context: ClusterContext,
  secrets: Secrets,
  timeoutSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  const { host, readWritePort } = context.spec.haproxy;
  await waitForConnection(
    context,
    secrets,
    { what: 'A connection through the read-write port', host, port: readWritePort, timeoutSeconds },
    signal,
  );
}

/** Waits until the pooler lets a transaction through to the primary. */
export async function waitForPooler(
  context: ClusterContext,
  secrets: Secrets,
  timeoutSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  const { host, port } = context.spec.pooler;
  await waitForConnection(
    context,
    secrets,
    { what: 'A connection through the pooler', host, port, timeoutSeconds },
    signal,
  );
}

async function waitForConnection(
  context: ClusterContext,
  secrets: Secrets,
  target: { readonly what: string; readonly host: string; readonly port: number; readonly timeoutSeconds: number },
  signal: AbortSignal,
): Promise<void> {
  const end = performance.now() + target.timeoutSeconds * 1000;
  let examineAt = performance.now() + examineMilliseconds;
  for (;;) {
    let reason: string;
    try {
      await using connection = await connect(
        { host: target.host, port: target.port, user: 'postgres', password: secrets.postgres, database: 'postgres' },
        { timeoutMilliseconds: 2000, statementTimeoutMilliseconds: 2000, serverTimeout: false },
      );
      const [row] = await connection.query('SELECT pg_is_in_recovery() AS standby');
      if (row?.standby === false) return;
      reason = 'it leads to a standby';
    } catch (error) {
      reason =
        error instanceof Error
          ? `${error.message} ${error.cause instanceof Error ? error.cause.message : ''}`
          : String(error);
    }
    signal.throwIfAborted();
    if (performance.now() >= end) {
      throw notInTime(
        target.what,
        target.timeoutSeconds,
        `${reason}\n${describeUnits(await context.runtime.status(signal))}`,
      );
    }
    if (performance.now() >= examineAt) {
      await context.runtime.examineStart?.(signal);
      examineAt = performance.now() + examineMilliseconds;
    }
    await sleep(50, undefined, { signal });
  }
}

/**
 * Waits, but not for long, until all units that left the processor to the members are there too. What does not start says so in the
 * status and is no reason to call a cluster that serves a failure.
 */
export async function waitForLatecomers(context: ClusterContext, signal: AbortSignal): Promise<void> {
  const end = performance.now() + latecomerMilliseconds;
  while (performance.now() < end) {
    const units = await context.runtime.status(signal);
    if (units.every(({ state }) => state !== 'waiting' && state !== 'starting')) return;
    await sleep(100, undefined, { signal });
  }
}

/** Waits until every member but the primary streams from it and, in a synchronous mode, Patroni has named a synchronous standby. */
export async function waitForMembers(
  context: ClusterContext,
  timeoutSeconds: number,
  signal: AbortSignal,
): Promise<ClusterView> {
  const { view, reached } = await waitForView(context, allStreaming, {
    signal,
    timeoutMilliseconds: timeoutSeconds * 1000,
  });
  if (reached) return view;
  const members = view.members.map(({ name, role, state }) => `${name}: ${role}, ${state}`).join('\n');
  throw notInTime('All members streaming', timeoutSeconds, `${members}\n${describeUnits(view.units)}`);
}

/** Pure. */
export function allStreaming(view: ClusterView): boolean {
  return (
    view.leader !== undefined &&
    (view.spec.synchronous.mode === 'off' || view.members.length === 1 || view.synchronousStandbys.length > 0) &&
    view.members.every(({ name, state }) => (name === view.leader ? state === 'running' : state === 'streaming'))
  );
}

function describeUnits(units: readonly UnitStatus[]): string {
  return units
    .filter(({ state }) => state !== 'ready')
    .map(({ id, state, restarts, lastEnd, lastOutput }) =>
      [
        `${id}: ${state}${restarts > 0 ? `, restarted ${restarts} times, last end: ${lastEnd ?? 'unknown'}` : ''}`,
        ...(lastOutput ?? []),
      ].join('\n    '),
    )
    .join('\n');
}
