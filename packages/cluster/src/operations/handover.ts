import { dcsPrefix, type EtcdClient, type PatroniKeys, planHandover, readPatroniKeys } from '@holdfast/components';
import { HoldfastError, timeLimit } from '@holdfast/spec';
import type { ClusterContext } from '../context.js';
import { handoverRefused } from '../errors.js';
import { answer, valueIn } from '../view/observation.js';
import type { ClusterView } from '../view/view.js';
import type { SwitchoverPlan } from './switchover.js';

/**
 * Whether the lock may be handed over in one transaction of etcd, which takes a fraction of the time of Patroni's own switchover: there
 * the primary shuts down before anybody else is promoted. Pure.
 *
 * Only where every listed synchronous standby has every acknowledged write (`on`, `strict`: FIRST-style). Where commits need a standby
 * (`strict`), one besides the candidate must stream: the old primary is away for some seconds. While Patroni is in maintenance mode
 * a primary without the lock goes on as one (patroni/ha.py, process_healthy_cluster), so there Patroni must do it.
 */
export function mayHandOver(view: ClusterView, { leader, candidate }: SwitchoverPlan): boolean {
  const { mode } = view.spec.synchronous;
  if (view.paused !== false || (mode !== 'on' && mode !== 'strict')) return false;
  if (!view.synchronousStandbys.includes(candidate)) return false;
  const others = view.members.filter(
    ({ name, state }) => name !== leader && name !== candidate && state === 'streaming',
  );
  return mode === 'on' || others.length > 0;
}

const attempts = 5;
const callMilliseconds = 1000;

/**
 * Makes the candidate the holder of Patroni's lock, or throws HF_SWITCHOVER_CHANGED and has changed nothing. Safe to repeat: an answer
 * that was lost shows in the next reading.
 */
export async function handOver(context: ClusterContext, plan: SwitchoverPlan, signal: AbortSignal): Promise<void> {
  let reason = 'etcd does not answer';
  for (let attempt = 0; attempt < attempts; attempt++) {
    const read = await readKeys(context, signal);
    if (read === undefined) continue;
    const { keys, etcd } = read;
    if (keys.leader === plan.candidate) return;
    const refusal = handoverObstacle(keys, plan);
    if (refusal !== undefined) throw handoverRefused(plan.candidate, refusal);
    const handover = planHandover(keys, plan.candidate);
    if (handover === undefined) {
      reason = `${plan.candidate} is not a synchronous standby any more`;
      continue;
    }
    const done = valueIn(await call((limit) => etcd.transact(handover.transaction, limit), signal));
    reason = 'etcd kept changing meanwhile';
    if (done?.succeeded !== true) continue;
    await endLease(etcd, handover.lease, signal);
    return;
  }
  signal.throwIfAborted();
  throw handoverRefused(plan.candidate, reason);
}

/** Pure. What no further attempt will mend. */
export function handoverObstacle(keys: PatroniKeys, { leader }: SwitchoverPlan): string | undefined {
  if (keys.leader !== leader) return `${keys.leader ?? 'nobody'} holds it now, not ${leader}`;
  if (keys.failoverPending) return 'another switchover or failover is under way';
  if (keys.paused) return 'Patroni has been paused';
  return undefined;
}

/** From the first etcd member that answers: a linearizable read. */
async function readKeys(
  context: ClusterContext,
  signal: AbortSignal,
): Promise<{ readonly keys: PatroniKeys; readonly etcd: EtcdClient } | undefined> {
  const prefix = dcsPrefix(context.spec);
  for (const { client } of context.clients.etcd) {
    const snapshot = valueIn(await call((limit) => client.snapshot(prefix, limit), signal));
    signal.throwIfAborted();
    if (snapshot !== undefined) return { keys: readPatroniKeys(prefix, snapshot.entries), etcd: client };
  }
  return undefined;
}

/** The old leader's session: its Patroni must not find a living lease. One that is gone already is what is wanted. */
async function endLease(etcd: EtcdClient, lease: string, signal: AbortSignal): Promise<void> {
  try {
    await etcd.revokeLease(lease, timeLimit(signal, callMilliseconds));
  } catch (error) {
    // Its Patroni watches the leader key and steps down all the same.
    if (!(error instanceof HoldfastError)) throw error;
  }
}

async function call<T>(ask: (limit: AbortSignal) => Promise<T>, signal: AbortSignal) {
  return await answer(ask, { signal, timeoutMilliseconds: callMilliseconds });
}
