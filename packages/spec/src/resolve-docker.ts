import { createHash } from 'node:crypto';
import type { DockerSpec } from './cluster-spec.js';
import type { SpecFile } from './schema.js';
import { specDefaults as defaults } from './spec-defaults.js';

/** The runtime `docker`'s part of the spec. Pure. */
export function resolveDocker(file: SpecFile): DockerSpec {
  return {
    subnet: file.docker?.subnet ?? subnetOf(file.name ?? defaults.name),
    baseImage: file.docker?.baseImage ?? defaults.docker.baseImage,
    hosts: (file.hosts ?? []).map(({ address, engine }) => ({ address, engine })),
  };
}

/** Another one for another name, so that clusters can stand side by side; outside of what Docker gives networks by itself. */
function subnetOf(name: string): string {
  return `10.213.${createHash('sha256').update(name).digest()[0]}.0/24`;
}
