import { join } from 'node:path';
import type { SynchronousMode } from '@holdfast/spec';
import type { LabDescription } from './lab.js';

/** What may differ between the clusters of labs. */
export interface LabClusterOptions {
  readonly members: number;
  readonly mode: SynchronousMode;
  readonly agents: boolean;
  /** `off`: a primary that cannot prove its lock is never stopped. */
  readonly fence: 'on' | 'off';
}

export const labClusterName = 'chaos';

/** Members each have a host; so do etcd's, three at least. */
export function labHosts({ members }: LabClusterOptions): number {
  return Math.max(3, members);
}

/** Pure: holdfast.yaml of a lab's cluster. JSON is YAML. */
export function renderLabSpec({ folder, network }: LabDescription, options: LabClusterOptions): string {
  const spec = {
    name: labClusterName,
    members: options.members,
    synchronous: options.mode,
    failover: { enabled: options.agents, ...(options.fence === 'off' ? { fence: 'off' } : {}) },
    dataDirectory: join(folder, 'state'),
    resources: { memory: '1GiB' },
    ...(network === undefined
      ? { ports: 'auto' }
      : {
          listen: network.address,
          hosts: network.hosts.map(({ address, namespace }) => ({ address, namespace })),
        }),
  };
  return `${JSON.stringify(spec, null, 2)}\n`;
}
