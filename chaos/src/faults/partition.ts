import { needsLab } from '../errors.js';
import type { LabHost } from '../lab/plan-lab.js';
import { runToolIn } from '../lab/run-tool.js';
import type { FaultKind } from './fault.js';
import { type Cut, type PartitionName, planCuts, renderRules } from './plan-cuts.js';

const summaries: Readonly<Record<PartitionName, string>> = {
  isolate: 'nothing reaches the member’s host or leaves it',
  'isolate-from-hosts': 'the same, but for clients and proxies: they still reach it',
  'isolate-from-etcd': 'the member reaches no etcd any more, and everything else',
  'isolate-from-members': 'the member reaches no other member any more, but etcd and clients',
  deafen: 'nothing reaches the member’s host, what it sends arrives',
  mute: 'nothing leaves the member’s host, what is sent to it arrives',
  halve: 'the hosts fall into two parts; the member is on the smaller side, clients reach both',
  ring: 'each host reaches its neighbours only; of three, two do not reach each other',
  'lose-packets': 'every seventh packet of the member’s host is lost, each way',
};

/** A partition of the network by nftables, in tables of its own in the namespace of each host that drops something. */
function partition(name: PartitionName): FaultKind {
  return {
    name,
    summary: summaries[name],
    needs: 'network',
    roles: ['primary', 'standby', 'other replica'],
    momentary: false,
    create({ lab, context }, member, id) {
      if (lab?.network === undefined) throw needsLab(name);
      const { hosts } = lab.network;
      const target = context.spec.members.findIndex((each) => each.name === member) % hosts.length;
      const cuts = planCuts(name, { hosts, target, etcd: context.spec.etcd.members });
      const table = `holdfast_chaos_${id}`;
      return {
        targets: [member],
        description: `${name} ${member}`,
        inject: async (signal) => await applyCuts(table, cuts, signal),
        heal: async (signal) => await removeCuts(table, hostsOf(cuts), signal),
      };
    },
  };
}

/** All hosts at once, each in one transaction of nftables. */
export async function applyCuts(table: string, cuts: readonly Cut[], signal: AbortSignal): Promise<void> {
  await Promise.all(
    hostsOf(cuts).map(async (host) => {
      const rules = renderRules(
        table,
        cuts.filter((cut) => cut.host === host),
      );
      await runToolIn(host.namespace, ['nft', '-f', '-'], { signal, input: rules });
    }),
  );
}

/** Idempotent: `add` makes the table where it is not there, so that `delete` always finds it. */
export async function removeCuts(table: string, hosts: readonly LabHost[], signal: AbortSignal): Promise<void> {
  const input = `add table inet ${table}\ndelete table inet ${table}\n`;
  await Promise.all(
    hosts.map(async ({ namespace }) => await runToolIn(namespace, ['nft', '-f', '-'], { signal, input })),
  );
}

function hostsOf(cuts: readonly Cut[]): readonly LabHost[] {
  return [...new Set(cuts.map(({ host }) => host))];
}

export const partitions: readonly FaultKind[] = (Object.keys(summaries) as PartitionName[]).map(partition);
