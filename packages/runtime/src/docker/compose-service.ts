import { createHash } from 'node:crypto';
import {
  containerLayout,
  containerSecrets,
  type ImageName,
  type JsonObject,
  type Probe,
  secretVariable,
  tlsFolders,
  type Unit,
} from '@holdfast/components';
import { MiB, type SecretName } from '@holdfast/spec';
import { configurationFiles } from './configuration-files.js';
import { netAddress } from './container-spec.js';
import { type Container, containerName, copiesOf, imageOf } from './containers.js';
import type { DockerSettings } from './docker-settings.js';
import { certificateFolder } from './fetch-secrets.js';
import { copiesFolder } from './write-folder.js';

/** Labels that say which containers are whose, and what they were made from. */
export const labels = {
  cluster: 'io.holdfast.cluster',
  owner: 'io.holdfast.owner',
  units: 'io.holdfast.units',
  definition: 'io.holdfast.definition',
  host: 'io.holdfast.host',
} as const;

/** Number of each image's account and group, as its Dockerfile makes them. */
const accounts: Readonly<Record<ImageName, number>> = { patroni: 999, etcd: 998, proxy: 997, api: 996 };

/** What a container is started after: Compose knows those on its host, and it waits for answers of others as well. */
export interface Company {
  readonly here: readonly Container[];
  readonly all: readonly Container[];
}

/** A Compose service (https://docs.docker.com/reference/compose-file/services/), as docker-compose 1.29 takes it too. Pure. */
export function renderService(container: Container, company: Company, settings: DockerSettings): JsonObject {
  const { units } = container;
  const [main] = units;
  return {
    ...renderDefinition(container, company, settings),
    labels: {
      [labels.cluster]: settings.cluster,
      ...(settings.owner === undefined ? {} : { [labels.owner]: settings.owner }),
      ...(settings.network.kind === 'host' ? { [labels.host]: main.host } : {}),
      [labels.units]: units.map(({ id, component }) => `${id}=${component}`).join(' '),
      [labels.definition]: definitionOf(container, company.all, settings),
    },
  };
}

/** What a container was made from, as one word: where it differs, the container is made anew. Files that can be loaded do not count. Pure. */
export function definitionOf(container: Container, all: readonly Container[], settings: DockerSettings): string {
  const files = container.units.flatMap(configurationFiles).filter(({ onChange }) => onChange === 'restart');
  const definition = renderDefinition(container, { here: all, all }, settings);
  return createHash('sha256')
    .update(JSON.stringify([definition, files.map(({ text }) => text)]))
    .digest('hex')
    .slice(0, 16);
}

function renderDefinition(container: Container, company: Company, settings: DockerSettings): JsonObject {
  const { service, image, units } = container;
  const [main] = units;
  const name = imageOf(main);
  const limits = settings.limits[main.component];
  const files = units.flatMap(configurationFiles);
  const secrets = secretsOf(units);
  return {
    image,
    build: {
      context: './docker',
      dockerfile: `Dockerfile.${name}`,
      args: { BASE: settings.baseImage, VERSION: image.replace(/^.*:/, '') },
    },
    container_name: containerName(settings.cluster, service),
    // By hand nobody makes its keys, nor the database that it wants.
    ...(settings.owner === undefined && main.component === 'api' ? { profiles: ['api'] } : {}),
    ...network(container, settings),
    command: command(units).map(literally),
    environment: environment(container, company.all),
    volumes: [
      ...files.map(({ path, mounted }) => `./${path}:${mounted}:ro`),
      ...(settings.kubernetes === undefined ? [] : [`./${certificateFolder}:${tlsFolders.client}:ro`]),
      ...(copiesOf(container).length > 0 ? [`./${copiesFolder}/${main.id}:${containerLayout.copies}:ro`] : []),
      ...(isPersistent(main) ? [`${main.id}-data:${containerLayout.stateDirectory}/data`] : []),
    ],
    ...(secrets.length > 0 ? { secrets } : {}),
    tmpfs: temporaryFolders(accounts[name]),
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    mem_limit: mebibytes(limits.memoryBytes),
    shm_size: mebibytes(limits.sharedMemoryBytes),
    pids_limit: limits.tasks,
    restart: 'unless-stopped',
    stop_signal: main.stop.signal,
    stop_grace_period: `${Math.max(...units.map(({ stop }) => stop.graceSeconds)) + 5}s`,
    healthcheck: healthcheck(main.readiness),
    logging: { driver: 'json-file', options: { 'max-size': '20m', 'max-file': '5' } },
    ...dependencies(main, company.here),
  };
}

/** The names of the secrets in environment and files, sorted. */
export function secretsOf(units: readonly Unit[]): readonly SecretName[] {
  const found = units.flatMap(({ env, files }) => [
    ...Object.values(env).flatMap((value) => (typeof value === 'string' ? [] : [value.secret])),
    ...files.flatMap(({ content }) =>
      typeof content === 'string' ? [] : content.flatMap((piece) => (typeof piece === 'string' ? [] : [piece.secret])),
    ),
  ]);
  return [...new Set(found)].sort();
}

/** The container keeps data that must survive it. */
export function isPersistent({ volumes }: Unit): boolean {
  return volumes.some(({ persistent }) => persistent);
}

function command([main, beside]: Container['units']): readonly string[] {
  if (main.component !== 'patroni') return main.argv;
  return ['holdfast-member', ...main.argv, ...(beside === undefined ? [] : ['--', ...beside.argv])];
}

function environment({ units }: Container, all: readonly Container[]): JsonObject {
  const [main] = units;
  const values = units
    .flatMap(({ env }) => Object.entries(env))
    // The image has its own.
    .filter(([name]) => name !== 'PATH' && name !== 'PYTHONPATH')
    .map(([name, value]) =>
      typeof value === 'string'
        ? ([name, literally(value)] as const)
        : ([secretVariable(name), `${containerSecrets}/${value.secret}`] as const),
    );
  const awaited = all
    .map((each) => each.units[0])
    .filter(({ id }) => main.after?.units.includes(id) === true)
    .flatMap(({ readiness }) => (readiness.kind === 'running' ? [] : [probeUrl(readiness)]));
  return {
    HOLDFAST_UNITS: units.map(({ id }) => id).join(' '),
    ...(awaited.length > 0 ? { HOLDFAST_AFTER: awaited.join(' ') } : {}),
    ...(main.component === 'patroni' ? { PATRONICTL_CONFIG_FILE: main.argv.at(-1) ?? '' } : {}),
    ...Object.fromEntries(values),
  };
}

function network({ service, units }: Container, settings: DockerSettings): JsonObject {
  const [main] = units;
  if (settings.network.kind === 'host') return { network_mode: 'host' };
  const address = main.component === 'net' ? netAddress(settings.network.subnet) : main.host;
  // What only containers ask of each other stays in their network.
  const ports = units.flatMap((unit) => unit.ports).filter(({ name }) => name !== 'peer');
  return {
    hostname: service,
    networks: { cluster: { ipv4_address: address } },
    ...(ports.length > 0 ? { ports: ports.map(({ port }) => `${bracketed(settings.publish)}:${port}:${port}`) } : {}),
  };
}

function dependencies(main: Unit, here: readonly Container[]): JsonObject {
  const services = here.filter(({ units }) => main.after?.units.includes(units[0].id) === true);
  return services.length > 0 ? { depends_on: services.map(({ service }) => service) } : {};
}

function healthcheck(probe: Probe): JsonObject {
  if (probe.kind === 'running') return { disable: true };
  const codes = probe.kind === 'http' ? [probe.statuses.join(',')] : [];
  return {
    test: ['CMD', 'holdfast-health', probeUrl(probe), ...codes],
    interval: '10s',
    timeout: '3s',
    retries: 3,
    start_period: '60s',
  };
}

function probeUrl(probe: Exclude<Probe, { readonly kind: 'running' }>): string {
  return probe.kind === 'http' ? probe.url : `tcp://${bracketed(probe.host)}:${probe.port}`;
}

function temporaryFolders(account: number): readonly string[] {
  const owner = `uid=${account},gid=${account}`;
  return [
    // Scripts among the configuration are run.
    `${containerLayout.stateDirectory}/units:exec,${owner},mode=0700,size=16m`,
    `/run/holdfast:${owner},mode=0755,size=1m`,
    `/tmp:mode=1777,size=64m`,
  ];
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / MiB)}m`;
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** Compose replaces `$NAME` by variables of its own environment. */
function literally(text: string): string {
  return text.replaceAll('$', '$$$$');
}
