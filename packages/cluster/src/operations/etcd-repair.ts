import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EtcdClient, type EtcdMember, etcdPeerUrl, unitData } from '@holdfast/components';
import { HoldfastError } from '@holdfast/spec';
import type { ClusterContext } from '../context.js';
import { etcdRepairRefused } from '../errors.js';
import { answer, valueIn } from '../view/observation.js';

/** What is known about one etcd member and the rest, before anything is decided. */
export interface EtcdRepairFacts {
  readonly member: string;
  readonly peerUrl: string;
  /** It answers now. */
  readonly running: boolean;
  /** Its data folder holds no etcd data. */
  readonly dataMissing: boolean;
  /** Names of the others that answer and know a leader. */
  readonly healthyOthers: readonly string[];
  /** How many others there are. */
  readonly others: number;
  /** The others that still have data; when none has, the cluster is new. */
  readonly othersWithData: readonly string[];
  /** The membership as a healthy member lists it; undefined: nobody could say. */
  readonly listed: readonly EtcdMember[] | undefined;
}

export interface EtcdRepairPlan {
  /** Undefined: it is not (or no longer) listed. */
  readonly removeId: string | undefined;
  /** Undefined: it is added already and has never started since. */
  readonly addPeerUrl: string | undefined;
  /** Must be in the environment of its next start. Empty: nothing is to be repaired. */
  readonly startEnvironment: Readonly<Record<string, string>>;
}

const nothing: EtcdRepairPlan = { removeId: undefined, addPeerUrl: undefined, startEnvironment: {} };

/**
 * Decides how a member whose data is lost comes back: etcd knows a member by an id that is in its data, so the old one must be
 * removed and a new one added. Pure. Throws HF_ETCD_REPAIR when the rest cannot agree on that.
 * https://etcd.io/docs/v3.4/op-guide/runtime-configuration/
 *
 * Invariant: removes only a member that does not run and has no data, and only while the others are a quorum of the membership
 * without it; an interrupted repair is taken up where it stopped.
 */
export function planEtcdRepair(facts: EtcdRepairFacts): EtcdRepairPlan {
  const { member, peerUrl, listed } = facts;
  const isNew = facts.othersWithData.length === 0 && listed === undefined;
  if (!facts.dataMissing || facts.others === 0 || isNew) return nothing;
  if (facts.running) {
    throw etcdRepairRefused(
      member,
      'it runs although its data is gone',
      `Stop it first: \`holdfast down\`, then \`holdfast up\`.`,
    );
  }
  if (!listed || facts.healthyOthers.length < Math.floor(facts.others / 2) + 1) {
    throw etcdRepairRefused(
      member,
      `only ${facts.healthyOthers.length} of the ${facts.others} others are healthy, and that is no quorum`,
      'Bring the others back first (`holdfast up`), or restore its data folder from a copy.',
    );
  }
  const startEnvironment = { ETCD_INITIAL_CLUSTER_STATE: 'existing' };
  const old = listed.find((entry) => entry.name === member || entry.peerUrls.includes(peerUrl));
  if (!old) return { removeId: undefined, addPeerUrl: peerUrl, startEnvironment };
  if (old.name === '') return { removeId: undefined, addPeerUrl: undefined, startEnvironment };
  return { removeId: old.id, addPeerUrl: peerUrl, startEnvironment };
}

/**
 * Repairs the membership for one member whose data is lost, through the healthy ones; the member itself must not run. Answers the
 * environment for its next start; empty when nothing was wrong. Throws HF_ETCD_REPAIR.
 */
export async function repairEtcdMember(
  context: Pick<ClusterContext, 'spec' | 'stateDirectory' | 'clients'>,
  member: string,
  signal: AbortSignal,
  patienceMilliseconds = 15_000,
): Promise<Readonly<Record<string, string>>> {
  const end = performance.now() + patienceMilliseconds;
  for (;;) {
    const { facts, healthy } = await gatherFacts(context, member, signal);
    try {
      const { removeId, addPeerUrl, startEnvironment } = planEtcdRepair(facts);
      if (removeId !== undefined) await retry(healthy, (client) => client.removeMember(removeId, signal), end, signal);
      if (addPeerUrl !== undefined) await retry(healthy, (client) => client.addMember(addPeerUrl, signal), end, signal);
      return startEnvironment;
    } catch (error) {
      // Members that were started a moment ago are not healthy at once.
      const waits = error instanceof HoldfastError && error.code === 'HF_ETCD_REPAIR' && performance.now() < end;
      if (!waits) throw error;
      await sleep(250, undefined, { signal });
    }
  }
}

async function gatherFacts(
  { spec, stateDirectory, clients }: Pick<ClusterContext, 'spec' | 'stateDirectory' | 'clients'>,
  member: string,
  signal: AbortSignal,
): Promise<{ readonly facts: EtcdRepairFacts; readonly healthy: readonly EtcdClient[] }> {
  const looks = await Promise.all(
    clients.etcd.map(async ({ member: name, client }) => {
      const options = { signal, timeoutMilliseconds: 2000 };
      const [status, listed, hasData] = await Promise.all([
        answer((limit) => client.status(limit), options),
        answer((limit) => client.members(limit), options),
        hasEtcdData(unitData(stateDirectory, name)),
      ]);
      return { name, client, status: valueIn(status), listed: valueIn(listed), hasData };
    }),
  );
  signal.throwIfAborted();
  const own = looks.find(({ name }) => name === member);
  const ownSpec = spec.etcd.members.find(({ name }) => name === member);
  if (!own || !ownSpec) throw etcdRepairRefused(member, 'the cluster has no such member', 'See `holdfast status`.');
  const others = looks.filter((look) => look !== own);
  const healthy = others.filter(({ status }) => status !== undefined && status.leaderId !== '0');
  const facts: EtcdRepairFacts = {
    member,
    peerUrl: etcdPeerUrl(ownSpec),
    running: own.status !== undefined,
    dataMissing: !own.hasData,
    healthyOthers: healthy.map(({ name }) => name),
    others: others.length,
    othersWithData: others.filter(({ hasData }) => hasData).map(({ name }) => name),
    listed: healthy.find(({ listed }) => listed !== undefined)?.listed,
  };
  return { facts, healthy: healthy.map(({ client }) => client) };
}

/** True when etcd has ever started there: it keeps everything in `member/`. */
export async function hasEtcdData(dataDirectory: string): Promise<boolean> {
  return access(join(dataDirectory, 'member', 'wal')).then(
    () => true,
    () => false,
  );
}

/**
 * etcd refuses to change its membership while a leader is being elected or until its members have been connected for five seconds
 * (strict-reconfig-check), so a refusal is tried again until the time is over.
 */
async function retry(
  clients: readonly EtcdClient[],
  change: (client: EtcdClient) => Promise<void>,
  end: number,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const client = clients[attempt % clients.length];
    if (!client) return;
    try {
      return await change(client);
    } catch (error) {
      if (isDone(error)) return;
      if (performance.now() >= end) throw error;
      await sleep(250, undefined, { signal });
    }
  }
}

/** A change that got no answer may have been made all the same; trying it again then says so. */
function isDone(error: unknown): boolean {
  if (!(error instanceof HoldfastError)) return false;
  return /member not found|peer urls already exists/i.test(error.detail ?? error.message);
}
