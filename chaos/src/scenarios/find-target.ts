import { dcsPrefix, type PatroniKeys, readPatroniKeys } from '@holdfast/components';
import { timeLimit } from '@holdfast/spec';
import { noTarget } from '../errors.js';
import type { FaultWorld, TargetRole } from '../faults/fault.js';

/** What is known of roles at one moment. */
export interface RoleFacts {
  readonly members: readonly string[];
  /** Whom clients reach on the read-write port, as HAProxy sees it. */
  readonly route: string | undefined;
  /** Holder of the leader key, and the synchronous standbys. */
  readonly leader: string | undefined;
  readonly standbys: readonly string[];
  /** The primary at the beginning of the round. */
  readonly before: string | undefined;
}

/** Pure: who plays the role; undefined: nobody does now. */
export function chooseTarget(role: TargetRole, facts: RoleFacts): string | undefined {
  const primary = facts.leader ?? facts.route ?? facts.before;
  const replicas = facts.members.filter((name) => name !== primary);
  const standby = facts.standbys.find((name) => replicas.includes(name)) ?? replicas[0];
  switch (role) {
    case 'cluster':
      return '';
    case 'primary':
      return primary;
    case 'former primary':
      return facts.before;
    case 'standby':
      return standby;
    case 'other replica':
      return replicas.find((name) => name !== standby) ?? standby;
  }
}

/** Asks etcd, briefly; throws HF_CHAOS_NO_TARGET. */
export async function findTarget(
  world: FaultWorld,
  role: TargetRole,
  known: Pick<RoleFacts, 'route' | 'before'>,
  signal: AbortSignal,
): Promise<string> {
  const keys = await fetchKeys(world, signal);
  const target = chooseTarget(role, {
    ...known,
    members: world.context.spec.members.map(({ name }) => name),
    leader: keys?.leader,
    standbys: keys?.sync.standbys ?? [],
  });
  if (target === undefined) throw noTarget(role);
  return target;
}

/** What Patroni keeps in etcd, from the first member that answers; undefined: none does. */
export async function fetchKeys({ context }: FaultWorld, signal: AbortSignal): Promise<PatroniKeys | undefined> {
  const prefix = dcsPrefix(context.spec);
  const limit = timeLimit(signal, 800);
  const asked = context.clients.etcd.map(async ({ client }) => await client.getPrefix(prefix, limit));
  const entries = await Promise.any(asked).catch(() => undefined);
  signal.throwIfAborted();
  return entries === undefined ? undefined : readPatroniKeys(prefix, entries);
}
