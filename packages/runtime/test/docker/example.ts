import type { Plan } from '@holdfast/components';
import { type ClusterSpec, parseSpecFile, resolveSpec } from '@holdfast/spec';
import { type DockerSettings, dockerSettings, planContainers } from '../../src/index.js';

/** Tags of the images. */
export const versions = { database: 'golden', api: 'golden-api' };

const machine = { memoryBytes: 8 * 2 ** 30, cores: 4 };

export function specOf(text: string): ClusterSpec {
  return resolveSpec(parseSpecFile(text, 'holdfast.yaml'), machine, undefined);
}

/** What the runtime docker would run for this file. */
export function dockerExample(text = 'runtime: docker\n'): { readonly plan: Plan; readonly settings: DockerSettings } {
  const spec = specOf(text);
  return { plan: planContainers(spec, versions), settings: dockerSettings(spec) };
}

/** The files that golden copies are kept of. */
export const examples: Readonly<Record<string, string>> = {
  default: 'runtime: docker\n',
  small: `runtime: docker
name: small
members: 1
etcd: { size: 1 }
pooler: { enabled: false }
supabase: { enabled: false }
listen: 192.0.2.7
docker: { subnet: 172.30.5.0/24, baseImage: postgres:15-bookworm }
`,
  hosts: `runtime: docker
name: spread
listen: 10.77.0.9
hosts:
  - { address: 10.77.0.1, engine: ssh://root@10.77.0.1 }
  - { address: 10.77.0.2 }
  - { address: 10.77.0.3 }
`,
  split: `runtime: docker
name: split
hosts: [{ address: 192.168.49.1, name: host.minikube.internal }]
kubernetes: { preset: minikube, members: docker, nodes: [192.168.49.2] }
`,
};
