import type { SimulatedEtcd } from './etcd.js';
import type { Fault, Part, Who } from './faults.js';
import { etcdHost, type Network, proxyHost } from './network.js';
import { prefix } from './patroni-cache.js';
import type { SimulatedPostgres } from './postgres.js';
import type { SimulatedProcess } from './process.js';

export interface Target {
  readonly network: Network;
  readonly etcd: SimulatedEtcd;
  readonly members: readonly string[];
  readonly postgres: (name: string) => SimulatedPostgres;
  readonly processes: (name: string, what: Part) => readonly SimulatedProcess[];
  /** What its supervisor does for what does not run; PostgreSQL is Patroni's to start. */
  readonly start: (name: string, what: Part) => void;
}

/** Makes a fault happen; answers what ends it. */
export function strike(fault: Fault, target: Target): () => void {
  const { network, etcd, members, postgres, processes, start } = target;
  if (fault.kind === 'quorum') {
    etcd.loseQuorum();
    return () => etcd.regainQuorum();
  }
  const name = findMember(fault.who, target);
  switch (fault.kind) {
    case 'crash':
      for (const process of processes(name, fault.what)) {
        if (process === postgres(name).process) postgres(name).end(true);
        else process.kill();
      }
      return () => start(name, fault.what);
    case 'freeze': {
      const frozen = processes(name, fault.what);
      for (const process of frozen) process.freeze();
      return () => {
        for (const process of frozen) process.thaw();
      };
    }
    case 'cut': {
      const { direction } = fault;
      const links = cutFrom(name, fault.from, members).flatMap((other): (readonly [string, string])[] => [
        ...(direction === 'in' ? [] : [[name, other] as const]),
        ...(direction === 'out' ? [] : [[other, name] as const]),
      ]);
      for (const [from, to] of links) network.cut(from, to);
      return () => {
        for (const [from, to] of links) network.heal(from, to);
      };
    }
    case 'slow': {
      const slow = (most: number) => {
        for (const other of [...members, etcdHost, proxyHost]) {
          if (other === name) continue;
          network.slow(name, other, most);
          network.slow(other, name, most);
        }
      };
      slow(fault.most);
      return () => slow(0);
    }
  }
}

function cutFrom(
  name: string,
  from: 'all' | 'etcd' | 'members' | number,
  members: readonly string[],
): readonly string[] {
  const others = members.filter((each) => each !== name);
  if (from === 'etcd') return [etcdHost];
  if (from === 'members') return others;
  if (from === 'all') return [...others, etcdHost, proxyHost];
  return others.slice(from % others.length, (from % others.length) + 1);
}

/** Who that is now, as etcd has it. */
function findMember(who: Who, { etcd, members }: Target): string {
  const leader = etcd.get(`${prefix}leader`)?.value ?? members[0] ?? '';
  if (who === 'primary') return leader;
  if (typeof who === 'number') return members[who % members.length] ?? leader;
  const sync = JSON.parse(etcd.get(`${prefix}sync`)?.value ?? '{}') as { sync_standby?: string };
  const listed = (sync.sync_standby ?? '').split(',');
  const others = members.filter((name) => name !== leader);
  return others.find((name) => listed.includes(name) === (who === 'synchronous')) ?? others[0] ?? leader;
}
