import { applyCuts, createLab as createChaosLab, type LabNetwork, planCuts, removeCuts } from '@holdfast/chaos';

/** Hosts on this machine, each a network namespace, as the processes in the lab's own namespace see them. */
export interface Lab {
  /** What a spec needs to put each member on a host of its own. */
  readonly spec: string;
  /** Where HAProxy and PgBouncer listen. */
  readonly address: string;
  /** No packet goes to this host or comes from it, counted from 0. */
  cut(host: number, signal: AbortSignal): Promise<void>;
  restore(signal: AbortSignal): Promise<void>;
}

const table = 'holdfast_bench';

/** From inside the lab's namespace. */
export function enterLab(network: LabNetwork): Lab {
  return {
    address: network.address,
    spec: [
      `listen: ${network.address}`,
      'hosts:',
      ...network.hosts.map(({ address, namespace }) => `  - address: ${address}\n    namespace: ${namespace}`),
    ].join('\n'),
    async cut(host, signal) {
      await applyCuts(table, planCuts('isolate', { hosts: network.hosts, target: host, etcd: [] }), signal);
    },
    async restore(signal) {
      await removeCuts(table, network.hosts, signal);
    },
  };
}

export interface OpenLab extends AsyncDisposable {
  readonly network: LabNetwork;
}

/** Three hosts; gone with this process, however it ends. Needs root. */
export async function openLab(signal: AbortSignal): Promise<OpenLab> {
  const lab = await createChaosLab({ hosts: 3, signal });
  const { network } = lab.description;
  if (network === undefined) throw new Error('the lab has no network');
  return { network, [Symbol.asyncDispose]: async () => await lab[Symbol.asyncDispose]() };
}
