import type { EtcdMemberSpec } from '@holdfast/spec';
import { hostInterface, type LabHost } from '../lab/plan-lab.js';

/** Packets that a host drops: those that match, on their way in or out. */
export interface Cut {
  readonly host: LabHost;
  readonly direction: 'in' | 'out';
  /** An expression of nft(8). */
  readonly match: string;
}

export const partitionNames = [
  'isolate',
  'isolate-from-hosts',
  'isolate-from-etcd',
  'isolate-from-members',
  'deafen',
  'mute',
  'halve',
  'ring',
  'lose-packets',
] as const;
export type PartitionName = (typeof partitionNames)[number];

interface Surroundings {
  readonly hosts: readonly LabHost[];
  /** Index in `hosts` of the one that it is about. */
  readonly target: number;
  readonly etcd: readonly Pick<EtcdMemberSpec, 'clientPort' | 'peerPort'>[];
}

/** Share of packets that `lose-packets` drops, in percent, each way. */
const lossPercent = 15;

/** Pure: what each host has to drop. Loopback stays whole, but for `isolate-from-etcd`: the etcd member on the same host is cut off as well. */
export function planCuts(name: PartitionName, { hosts, target, etcd }: Surroundings): readonly Cut[] {
  const host = hosts[target];
  if (host === undefined) throw new RangeError(`there is no host ${target}`);
  const others = hosts.filter((other) => other !== host);
  const clientPorts = set(etcd.map(({ clientPort }) => clientPort));
  const etcdPorts = set(etcd.flatMap(({ clientPort, peerPort }) => [clientPort, peerPort]));
  const inwards = (match: string): Cut => ({ host, direction: 'in', match });
  const outwards = (match: string): Cut => ({ host, direction: 'out', match });
  const fromAnybody = inwards(`iifname "${hostInterface}"`);
  const toAnybody = outwards(`oifname "${hostInterface}"`);
  switch (name) {
    case 'isolate':
      return [fromAnybody, toAnybody];
    case 'deafen':
      return [fromAnybody];
    case 'mute':
      return [toAnybody];
    case 'isolate-from-hosts':
      return between([host], others);
    case 'isolate-from-etcd':
      return [inwards(`tcp sport ${clientPorts}`), outwards(`tcp dport ${clientPorts}`)];
    case 'isolate-from-members': {
      const notEtcd = `tcp dport != ${etcdPorts} tcp sport != ${etcdPorts}`;
      return [
        inwards(`ip saddr ${addresses(others)} ${notEtcd}`),
        outwards(`ip daddr ${addresses(others)} ${notEtcd}`),
      ];
    }
    case 'halve': {
      // The target is on the smaller side.
      const minority = Array.from({ length: Math.max(1, Math.floor((hosts.length - 1) / 2)) }, (_, index) =>
        at(hosts, target + index),
      );
      return between(
        minority,
        hosts.filter((other) => !minority.includes(other)),
      );
    }
    case 'ring':
      return hosts.length < 4
        ? // Three in a ring see each other; in a row, the target in the middle, two do not.
          between(others.slice(0, 1), others.slice(1))
        : hosts.flatMap((each, index) =>
            between(
              [each],
              hosts.filter((other) => ![each, at(hosts, index + 1), at(hosts, index - 1)].includes(other)),
            ),
          );
    case 'lose-packets':
      return [fromAnybody, toAnybody].map((cut) => ({
        ...cut,
        match: `${cut.match} numgen random mod 100 < ${lossPercent}`,
      }));
  }
}

/** Nothing passes between these and those, either way. One side dropping is enough: what comes from the other is dropped on arrival. */
function between(these: readonly LabHost[], those: readonly LabHost[]): readonly Cut[] {
  if (those.length === 0) return [];
  return these.flatMap((host): Cut[] => [
    { host, direction: 'in', match: `ip saddr ${addresses(those)}` },
    { host, direction: 'out', match: `ip daddr ${addresses(those)}` },
  ]);
}

/** Pure: the nft(8) script for one host. It drops silently, so that connections that stand die without a word. */
export function renderRules(table: string, cuts: readonly Cut[]): string {
  const chain = (direction: Cut['direction'], hook: string) => {
    const rules = cuts.filter((cut) => cut.direction === direction).map(({ match }) => `    ${match} counter drop\n`);
    return `  chain ${direction} {\n    type filter hook ${hook} priority -300;\n${rules.join('')}  }\n`;
  };
  return `table inet ${table} {\n${chain('in', 'input')}${chain('out', 'output')}}\n`;
}

function set(values: readonly (string | number)[]): string {
  return `{ ${[...new Set(values)].join(', ')} }`;
}

function addresses(hosts: readonly LabHost[]): string {
  return set(hosts.map(({ address }) => address));
}

function at<Item>(items: readonly Item[], index: number): Item {
  return items[(index + items.length) % items.length] as Item;
}
