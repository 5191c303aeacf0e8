import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StatusReport } from '@holdfast/cluster';
import { statePaths } from '@holdfast/components';
import type { PortAssignment, Secrets } from '@holdfast/spec';
import { type TestCluster, waitUntil } from '@holdfast/testkit';

/** What somebody with the files of a cluster knows about it, without asking Holdfast. */
export interface ClusterAccess {
  readonly stateDirectory: string;
  readonly ports: PortAssignment;
  readonly secrets: Secrets;
}

export function stateDirectoryOf(cluster: TestCluster): string {
  return join(cluster.folder, '.holdfast/bench');
}

/** Undefined until `up` has chosen ports and secrets, which it does before it starts anything. */
export async function readAccess(cluster: TestCluster): Promise<ClusterAccess | undefined> {
  const stateDirectory = stateDirectoryOf(cluster);
  const paths = statePaths(stateDirectory);
  const [ports, secrets] = await Promise.all(
    [paths.ports, paths.secrets].map(async (path) => await readFile(path, 'utf8').catch(() => undefined)),
  );
  if (ports === undefined || secrets === undefined) return undefined;
  return {
    stateDirectory,
    ports: JSON.parse(ports) as PortAssignment,
    secrets: JSON.parse(secrets) as Secrets,
  };
}

export async function accessTo(cluster: TestCluster): Promise<ClusterAccess> {
  const access = await readAccess(cluster);
  if (access === undefined) throw new Error('the cluster is not up');
  return access;
}

/** The superuser's connection URI to a port. Secret: not for argv. */
export function urlTo(port: number, { secrets }: ClusterAccess, host = '127.0.0.1'): string {
  return `postgresql://postgres:${encodeURIComponent(secrets.postgres)}@${host}:${port}/postgres`;
}

/** All members stream, one of them is the synchronous standby, HAProxy knows the primary. */
export async function waitForHealth(
  cluster: TestCluster,
  intervalMilliseconds = 300,
  signal?: AbortSignal,
): Promise<StatusReport> {
  let reasons: readonly string[] = [];
  return await waitUntil(
    () => `a healthy cluster (${reasons.join('; ')})`,
    async () => {
      signal?.throwIfAborted();
      const status = await cluster.status();
      reasons = status.reasons;
      return status.health === 'healthy' ? status : undefined;
    },
    { timeoutMilliseconds: 120_000, intervalMilliseconds },
  );
}

export function primaryOf(status: StatusReport): StatusReport['members'][number] {
  const primary = status.members.find(({ name }) => name === status.leader);
  if (primary === undefined) throw new Error('there is no primary');
  return primary;
}
