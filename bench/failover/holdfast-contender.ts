import { join } from 'node:path';
import type { StatusReport } from '@holdfast/cluster';
import { agentUnitId, createEtcdClient, patroniNamespace, statePaths, type Tools } from '@holdfast/components';
import { signal as sendSignal, type TestCluster } from '@holdfast/testkit';
import { accessTo, type ClusterAccess, stateDirectoryOf, urlTo, waitForHealth } from '../cluster-access.js';
import { openCluster } from '../open-folders.js';
import { startStockHaproxy, stockSpec } from '../stock.js';
import type { Contender } from './contender.js';
import type { Lab } from './lab.js';
import { startTrace } from './trace.js';

export interface HoldfastOptions {
  readonly mode: 'on' | 'strict';
  /** False: as without agents, Patroni alone decides. */
  readonly agents: boolean;
  /** Each member on a host of its own there. */
  readonly lab?: Lab;
}

/** A cluster by `holdfast up`, all as by default but for the mode; nothing of the measuring goes through it. */
export async function openHoldfast({ mode, agents, lab }: HoldfastOptions): Promise<Contender> {
  const spec = [
    `synchronous: ${mode}`,
    `failover:\n  enabled: ${agents}`,
    // What the parts of a gap are read from: a time zone that is not the machine's.
    'postgres:\n  parameters:\n    log_timezone: UTC',
    ...(lab === undefined ? [] : [lab.spec]),
  ];
  return await openWith(spec.join('\n'), lab, (access) => ({
    writeUrls: [urlTo(access.ports.readWrite, access, lab?.address)],
    poolerUrl: urlTo(access.ports.pooler, access, lab?.address),
  }));
}

/** The same parts with the usual settings of Patroni and HAProxy, and no agents. */
export async function openStock(tools: Tools): Promise<Contender> {
  const spec = `${stockSpec}synchronous: on\nfailover:\n  enabled: false\n`;
  return await openWith(spec, undefined, async (access, cluster) => ({
    writeUrls: [urlTo(await startStockHaproxy(cluster, access, tools), access)],
  }));
}

async function openWith(
  spec: string,
  lab: Lab | undefined,
  endpoints: (access: ClusterAccess, cluster: TestCluster) => Endpoints | Promise<Endpoints>,
): Promise<Contender> {
  const cluster = await openCluster(`${spec}\n`);
  try {
    await cluster.json(['up', '--no-install']);
    const access = await accessTo(cluster);
    return contender(cluster, access, await cluster.status(), await endpoints(access, cluster), lab);
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

type Endpoints = Pick<Contender, 'writeUrls' | 'poolerUrl'>;

function contender(
  cluster: TestCluster,
  access: ClusterAccess,
  { members, etcd, supervisor }: StatusReport,
  endpoints: Endpoints,
  lab: Lab | undefined,
): Contender {
  const paths = statePaths(stateDirectoryOf(cluster));
  const names = members.map(({ name }) => name);
  const etcdClients = etcd.map(({ clientUrl }) => createEtcdClient({ url: clientUrl }));
  let primary = names[0];
  let supervisorPid = supervisor.pid;
  return {
    ...endpoints,
    async waitForHealth(signal) {
      const status = await waitForHealth(cluster, 300, signal);
      if (status.leader === null) throw new Error('there is no primary');
      primary = status.leader;
      supervisorPid = status.supervisor.pid;
      return { primary, synchronous: status.synchronous.standbys[0], members: names };
    },
    foldersOf: (member) => [
      join(paths.data, member),
      join(paths.units, member),
      join(paths.units, agentUnitId(member)),
    ],
    memberAt: (server) => members.find(({ host, port }) => `${host}:${port}` === server)?.name,
    memberUrl(member) {
      const found = members.find(({ name }) => name === member);
      if (found === undefined) throw new Error(`there is no member ${member}`);
      return urlTo(found.port, access, found.host);
    },
    // A stopped supervisor restarts nobody; what it runs goes on.
    async holdRestarts() {
      if (supervisorPid !== null) sendSignal(supervisorPid, 'SIGSTOP');
    },
    async releaseRestarts() {
      if (supervisorPid !== null) sendSignal(supervisorPid, 'SIGCONT');
    },
    async etcdLeader() {
      const leader = (await cluster.status()).etcd.find(({ isLeader }) => isLeader === true);
      if (leader?.pid == null) throw new Error('etcd has no leader');
      return leader.pid;
    },
    async switchover() {
      await cluster.json(['switchover']);
    },
    ...(lab === undefined
      ? {}
      : {
          cut: async (member: string, signal: AbortSignal) => await lab.cut(names.indexOf(member), signal),
          restore: async (signal: AbortSignal) => await lab.restore(signal),
        }),
    async trace(signal) {
      // Member and etcd with the same number may share a host: ask another one than the primary's.
      const client = etcdClients[(names.indexOf(primary ?? '') + 1) % etcdClients.length];
      if (client === undefined) throw new Error('the cluster has no etcd');
      return await startTrace(
        { etcd: client, dcsPrefix: `${patroniNamespace}bench/`, logDirectory: paths.logs, members: names },
        signal,
      );
    },
    async [Symbol.asyncDispose]() {
      await cluster[Symbol.asyncDispose]();
    },
  };
}
