import type { JsonObject } from '@holdfast/components';
import type { SecretName } from '@holdfast/spec';
import { stringify } from 'yaml';
import { isPersistent, labels, renderService, secretsOf } from './compose-service.js';
import type { Container } from './containers.js';
import type { DockerSettings } from './docker-settings.js';
import { prepareSecrets, renderPrepareService } from './prepare-service.js';

/**
 * docker-compose.yml of the containers on one host, of `all` that the cluster has (https://docs.docker.com/reference/compose-file/). Pure.
 */
export function renderComposeFile(
  containers: readonly Container[],
  all: readonly Container[],
  settings: DockerSettings,
): string {
  const persistent = containers.map(({ units }) => units[0]).filter(isPersistent);
  const secrets = secretsHere(containers, all, settings);
  const prepare = renderPrepareService(containers, all, settings);
  const document: JsonObject = {
    services: {
      ...Object.fromEntries(
        containers.map((container) => [
          container.service,
          renderService(container, { here: containers, all }, settings),
        ]),
      ),
      ...(prepare === undefined ? {} : { prepare }),
    },
    ...network(settings),
    volumes: Object.fromEntries(persistent.map(({ id }) => [`${id}-data`, volume(id, settings)])),
    secrets: Object.fromEntries(secrets.map((name) => [name, { file: `./secrets/${name}` }])),
  };
  // docker-compose 1.29 reads YAML 1.1: version 1.1 quotes what has to be quoted.
  return `${head}${stringify(document, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false })}`;
}

/** The secrets that containers on one host read. Pure. */
export function secretsHere(
  containers: readonly Container[],
  all: readonly Container[],
  settings: DockerSettings,
): readonly SecretName[] {
  const own = secretsOf(containers.flatMap(({ units }) => units));
  const prepare = renderPrepareService(containers, all, settings) === undefined ? [] : prepareSecrets;
  return [...new Set([...own, ...prepare])].sort();
}

function volume(unit: string, { cluster, owner }: DockerSettings): JsonObject {
  return { name: volumeName(cluster, unit), ...(owner === undefined ? {} : { labels: { [labels.owner]: owner } }) };
}

/** Not the cluster's name alone: people have projects of their own, and Compose removes what it does not find in its file. */
export function projectName(cluster: string): string {
  return `holdfast-${cluster}`;
}

export function volumeName(cluster: string, unit: string): string {
  return `holdfast-${cluster}-${unit}`;
}

export function networkName(cluster: string): string {
  return `holdfast-${cluster}`;
}

const head = `# Written by Holdfast from holdfast.yaml, which is the place for changes. README.md says how to use it by hand.
`;

function network(settings: DockerSettings): JsonObject {
  if (settings.network.kind === 'host') return {};
  const { subnet } = settings.network;
  return {
    networks: {
      cluster: { name: networkName(settings.cluster), driver: 'bridge', ipam: { config: [{ subnet }] } },
    },
  };
}
