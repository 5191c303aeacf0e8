import type { StatusMember, StatusReport } from '@holdfast/cluster';
import type { TestCluster } from './test-cluster.js';
import { waitUntil } from './wait-until.js';

/** Waits until `status` calls the cluster healthy. */
export async function waitForHealth(cluster: TestCluster, timeoutMilliseconds = 90_000): Promise<StatusReport> {
  let last: StatusReport | undefined;
  return await waitUntil(
    () => `a healthy cluster (${last?.reasons.join('; ')})`,
    async () => {
      last = await cluster.status();
      return last.health === 'healthy' ? last : undefined;
    },
    { timeoutMilliseconds },
  );
}

export function primaryOf(status: StatusReport): StatusMember {
  return memberOf(status, status.leader ?? '');
}

export function replicasOf(status: StatusReport): readonly StatusMember[] {
  return status.members.filter(({ name }) => name !== status.leader);
}

export function memberOf(status: StatusReport, name: string): StatusMember {
  const member = status.members.find((each) => each.name === name);
  if (member === undefined) throw new Error(`there is no member "${name}"`);
  return member;
}

/** Main process of every unit and postmaster of every member, by name; what must not change when nothing is restarted. */
export function pidsOf(status: StatusReport): Readonly<Record<string, number | null>> {
  return Object.fromEntries([
    ...status.members.flatMap(({ name, pids }) => [
      [name, pids.patroni] as const,
      [`${name} postgres`, pids.postgres] as const,
    ]),
    ...[...status.etcd, ...status.proxies].map(({ name, pid }) => [name, pid] as const),
  ]);
}
