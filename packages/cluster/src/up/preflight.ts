import { statfs } from 'node:fs/promises';
import { memberDataDirectory, type Plan, type Unit, unitData } from '@holdfast/components';
import { hasNetworkNamespace, portHolder, type Runtime, type UnitStatus } from '@holdfast/runtime';
import type { ClusterSpec, HoldfastError } from '@holdfast/spec';
import {
  addressesChanged,
  diskFull,
  etcdSizeChanged,
  namespacesMissing,
  namespacesNeedRoot,
  otherMajor,
  otherSystem,
  portsTaken,
} from '../errors.js';
import { hasEtcdData } from '../operations/etcd-repair.js';
import { canListen } from '../state/port-assignment.js';
import { type ClusterMarker, readMarker } from '../state/state-directory.js';
import { type DataDirectory, inspectDataDirectory } from './data-directory.js';

/** PostgreSQL's first WAL segments, etcd's preallocated one, logs: what the smallest cluster needs a member. */
const neededBytesPerMember = 200 * 1024 ** 2;

export interface MemberFacts {
  readonly name: string;
  readonly dataDirectory: string;
  readonly content: DataDirectory;
  readonly isRunning: boolean;
}

export interface PreflightFacts {
  readonly plan: Plan;
  readonly current: Plan | undefined;
  readonly postgresMajor: number;
  readonly marker: ClusterMarker | undefined;
  readonly members: readonly MemberFacts[];
  /** etcd members that have no write-ahead log, and that do not run. */
  readonly etcdWithoutData: readonly string[];
  readonly takenPorts: readonly string[];
  /** Network namespaces that units name, and of these the ones that are not there. */
  readonly namespaces: { readonly named: readonly string[]; readonly missing: readonly string[] };
  readonly isRoot: boolean;
  readonly stateDirectory: string;
  readonly freeBytes: number;
}

export interface PreflightVerdict {
  readonly refusal: HoldfastError | undefined;
  /** Data directories that were never completed; to be moved aside, never deleted. */
  readonly incomplete: readonly MemberFacts[];
  /** etcd members that lost their data although the cluster exists. */
  readonly lostEtcd: readonly string[];
  /** An earlier first start was cut off: databases are there, but no primary was ever recorded. */
  readonly unfinishedBootstrap: boolean;
}

/** Pure: may this plan be applied here? The first refusal in order of gravity wins. */
export function judgePreflight(facts: PreflightFacts): PreflightVerdict {
  const databases = facts.members.flatMap(({ dataDirectory, content }) =>
    content.kind === 'database' ? [{ dataDirectory, content }] : [],
  );
  const expected = facts.marker?.systemIdentifier;
  const otherVersion = databases.find(({ content }) => content.major !== String(facts.postgresMajor));
  const foreign =
    expected === undefined ? undefined : databases.find(({ content }) => content.systemIdentifier !== expected);
  let refusal: HoldfastError | undefined;
  if (otherVersion !== undefined) {
    refusal = otherMajor(otherVersion.dataDirectory, otherVersion.content.major, facts.postgresMajor);
  } else if (foreign !== undefined && expected !== undefined) {
    refusal = otherSystem(foreign.dataDirectory, foreign.content.systemIdentifier, expected);
  } else {
    refusal = judgeEtcdChange(facts.current, facts.plan);
  }
  refusal ??= judgeNamespaces(facts);
  const stopped = facts.members.filter(({ isRunning }) => !isRunning);
  const fresh = stopped.filter(({ content }) => content.kind !== 'database').length;
  const needed = fresh * neededBytesPerMember;
  if (refusal === undefined && facts.takenPorts.length > 0) refusal = portsTaken(facts.takenPorts);
  if (refusal === undefined && facts.freeBytes < needed)
    refusal = diskFull(facts.stateDirectory, facts.freeBytes, needed);
  const existed = facts.current !== undefined;
  return {
    refusal,
    incomplete: stopped.filter(({ content }) => content.kind === 'incomplete'),
    lostEtcd: existed && expected !== undefined ? facts.etcdWithoutData : [],
    unfinishedBootstrap: existed && expected === undefined && stopped.length === facts.members.length,
  };
}

function judgeNamespaces({ namespaces, isRoot }: PreflightFacts): HoldfastError | undefined {
  if (namespaces.named.length > 0 && !isRoot) return namespacesNeedRoot();
  return namespaces.missing.length > 0 ? namespacesMissing(namespaces.missing) : undefined;
}

/** Pure. The members of etcd know each other by number and address. */
export function judgeEtcdChange(current: Plan | undefined, plan: Plan): HoldfastError | undefined {
  if (current === undefined) return undefined;
  const etcd = (from: Plan) => from.units.filter(({ component }) => component === 'etcd');
  const [before, after] = [etcd(current), etcd(plan)];
  if (before.length !== after.length) return etcdSizeChanged(before.length, after.length);
  const moved = before.find((unit) => {
    const same = after.find(({ id }) => id === unit.id);
    return JSON.stringify(unit.ports) !== JSON.stringify(same?.ports);
  });
  return moved === undefined ? undefined : addressesChanged(moved.id);
}

/** Looks at the machine and the state folder; changes nothing. */
export async function gatherPreflightFacts(options: {
  readonly spec: ClusterSpec;
  readonly plan: Plan;
  readonly postgresMajor: number;
  readonly stateDirectory: string;
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
}): Promise<PreflightFacts> {
  const { spec, plan, stateDirectory, runtime, signal } = options;
  const [status, current, marker, disk] = await Promise.all([
    runtime.status(signal),
    runtime.currentPlan(signal),
    readMarker(stateDirectory),
    statfs(stateDirectory),
  ]);
  const running = (id: string) => status.some((unit) => unit.id === id && unit.pids.length > 0);
  const members = await Promise.all(
    spec.members.map(async ({ name }) => {
      const dataDirectory = memberDataDirectory(stateDirectory, name);
      return { name, dataDirectory, content: await inspectDataDirectory(dataDirectory), isRunning: running(name) };
    }),
  );
  const etcdWithoutData: string[] = [];
  for (const { name } of spec.etcd.members) {
    if (!running(name) && !(await hasEtcdData(unitData(stateDirectory, name)))) etcdWithoutData.push(name);
  }
  const named = [...new Set(plan.units.flatMap(({ namespace }) => namespace ?? []))];
  return {
    plan,
    current,
    postgresMajor: options.postgresMajor,
    marker,
    members,
    etcdWithoutData,
    takenPorts: await findTakenPorts(plan.units, current, status),
    namespaces: { named, missing: named.filter((name) => !hasNetworkNamespace(name)) },
    isRoot: process.getuid?.() === 0,
    stateDirectory,
    freeBytes: disk.bavail * disk.bsize,
  };
}

async function findTakenPorts(
  units: readonly Unit[],
  current: Plan | undefined,
  status: readonly UnitStatus[],
): Promise<readonly string[]> {
  const ours = new Set(status.flatMap(({ pids }) => pids));
  const heldByUs = (unit: string, port: number) =>
    status.some(({ id, pids }) => id === unit && pids.length > 0) &&
    current?.units.some(({ id, ports }) => id === unit && ports.some((held) => held.port === port)) === true;
  const lines = await Promise.all(
    units.flatMap(({ id, ports, namespace }) =>
      ports.map(async ({ name, host, port }) => {
        // To listen in another network namespace one would have to enter it; there the kernel's table has to do.
        const isFree = async () =>
          namespace === undefined ? await canListen(host, port) : portHolder(host, port, namespace) === undefined;
        if (heldByUs(id, port) || (await isFree())) return undefined;
        const holder = portHolder(host, port, namespace);
        if (holder?.pid !== undefined && ours.has(holder.pid)) return undefined;
        const who =
          holder?.pid === undefined ? 'a process of another user' : `${holder.name ?? 'process'} (pid ${holder.pid})`;
        return `- ${host}:${port} (${id}, ${name}) is held by ${who}`;
      }),
    ),
  );
  return lines.filter((line) => line !== undefined);
}
