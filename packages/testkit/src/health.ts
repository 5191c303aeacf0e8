import type { StatusMember, StatusReport } from '@holdfast/cluster';
import { query } from './query.js';
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

/** URI of one member, made from that of the read-write port. */
export function memberUrl(readWrite: string, member: StatusMember): string {
  const url = new URL(readWrite);
  url.host = `${member.host}:${member.port}`;
  return url.href;
}

/** What each member's PostgreSQL has that parameter set to, in the order of the members. */
export async function settingOnMembers(
  { members }: StatusReport,
  readWrite: string,
  name: string,
): Promise<readonly string[]> {
  const sql = `SELECT current_setting('${name}') AS setting`;
  const answers = members.map(async (member) => await query<{ setting: string }>(memberUrl(readWrite, member), sql));
  return (await Promise.all(answers)).map(([row]) => row?.setting ?? '');
}
