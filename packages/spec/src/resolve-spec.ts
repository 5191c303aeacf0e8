import type { ClusterSpec, Machine, PortAssignment, ResourcesSpec } from './cluster-spec.js';
import { patroniSeconds, synchronousMode } from './contradictions.js';
import { defaultParameters } from './defaults.js';
import { portsNotChosen } from './errors.js';
import { loopbackNetworks, renderHba, renderNetworkHba } from './hba.js';
import { mergeParameters } from './parameters.js';
import { portShape, requestedPorts } from './ports.js';
import { resolveApi } from './resolve-api.js';
import { resolveDocker } from './resolve-docker.js';
import { kubernetesMachine, placeInKubernetes, placeOutside, resolveKubernetes } from './resolve-kubernetes.js';
import type { SpecFile } from './schema.js';
import { specDefaults as defaults } from './spec-defaults.js';
import { findWarnings } from './warnings.js';

/**
 * Fills every default in and derives every name and port. `ports`: what an earlier `ports: auto` chose; without `auto`
 * the file's ports hold. Frozen; the same for the same input.
 * Errors: HF_SPEC_PORTS_NOT_CHOSEN when the file says `auto` and `ports` is missing or too short.
 */
export function resolveSpec(file: SpecFile, here: Machine, ports: PortAssignment | undefined): ClusterSpec {
  const inKubernetes = file.runtime === 'kubernetes';
  const kubernetes = resolveKubernetes(file);
  const isSplit = kubernetes.members === 'docker' && file.runtime !== 'process';
  const machine = inKubernetes ? kubernetesMachine(file, portShape(file).members) : here;
  const host = file.listen ?? defaults.listen;
  const assigned = assignedPorts(file, ports);
  const shape = portShape(file);
  const resources: ResourcesSpec = {
    memoryBytes: file.resources?.memory ?? Math.floor(machine.memoryBytes * defaults.memoryShare),
    cores: file.resources?.cores ?? machine.cores,
  };
  const place = (index: number) => {
    const given = file.hosts?.[index % file.hosts.length];
    return { host: given?.address ?? host, namespace: given?.namespace };
  };
  const userParameters = file.postgres?.parameters ?? {};
  const userHba = file.postgres?.hba ?? [];
  const parameters = mergeParameters(
    defaultParameters({ resources, members: shape.members, maxConnections: maxConnections(file) }),
    userParameters,
  );
  const spec: Omit<ClusterSpec, 'warnings'> = {
    name: file.name ?? defaults.name,
    runtime: file.runtime ?? defaults.runtime,
    listen: host,
    members: Array.from({ length: shape.members }, (_, index) => ({
      name: `pg${index + 1}`,
      ...place(index),
      port: at(assigned.postgres, index),
      patroniPort: at(assigned.patroni, index),
      agentPort: at(assigned.agent, index),
    })),
    synchronous: {
      mode: synchronousMode(file),
      standbys: file.synchronous?.standbys ?? defaults.synchronous.standbys,
    },
    postgres: {
      version: file.postgres?.version,
      parameters,
      // HAProxy comes from a pod or from its node.
      hba:
        inKubernetes || isSplit
          ? renderNetworkHba([...loopbackNetworks, ...kubernetes.networks], userHba)
          : renderHba(networkAddresses(file, host), userHba),
    },
    patroni: {
      ...patroniSeconds(file),
      maximumLagOnFailover: file.patroni?.maximumLagOnFailover ?? defaults.patroni.maximumLagOnFailover,
      failsafe: file.patroni?.failsafe ?? defaults.patroni.failsafe,
    },
    failover: {
      // A single member has nobody to fail over to.
      enabled: shape.members > 1 && (file.failover?.enabled ?? defaults.failover.enabled),
      silenceMilliseconds: file.failover?.silence ?? defaults.failover.silenceMilliseconds,
      fenceMilliseconds:
        file.failover?.fence === 'off' ? undefined : (file.failover?.fence ?? defaults.failover.fenceMilliseconds),
    },
    etcd: {
      members: Array.from({ length: shape.etcdSize }, (_, index) => ({
        name: `etcd${index + 1}`,
        ...place(index),
        clientPort: at(assigned.etcdClient, index),
        peerPort: at(assigned.etcdPeer, index),
      })),
      heartbeatMilliseconds: file.etcd?.heartbeat ?? defaults.etcd.heartbeatMilliseconds,
      electionMilliseconds: file.etcd?.electionTimeout ?? defaults.etcd.electionMilliseconds,
      quotaBytes: file.etcd?.quota ?? defaults.etcd.quotaBytes,
    },
    haproxy: {
      host,
      readWritePort: assigned.readWrite,
      readOnlyPort: assigned.readOnly,
      statsPort: assigned.haproxyStats,
      maxConnections: file.haproxy?.maxConnections ?? defaults.haproxy.maxConnections,
      checkMilliseconds: file.haproxy?.checkInterval ?? defaults.haproxy.checkMilliseconds,
      queueMilliseconds: file.haproxy?.queueTimeout ?? defaults.haproxy.queueMilliseconds,
      idleSeconds:
        file.haproxy?.idleTimeout === undefined ? defaults.haproxy.idleSeconds : file.haproxy.idleTimeout / 1000,
    },
    pooler: {
      enabled: file.pooler?.enabled ?? defaults.pooler.enabled,
      host,
      port: assigned.pooler,
      mode: file.pooler?.mode ?? defaults.pooler.mode,
      poolSize: file.pooler?.poolSize ?? defaults.pooler.poolSize,
      maxClientConnections: file.pooler?.maxClientConnections ?? defaults.pooler.maxClientConnections,
    },
    supabase: supabase(file),
    api: resolveApi(file, { host, port: apiPort(assigned), cores: resources.cores }),
    docker: resolveDocker(file),
    kubernetes,
    resources,
    dataDirectory: file.dataDirectory,
  };
  const resolved: ClusterSpec = { ...spec, warnings: findWarnings(spec, userHba, machine) };
  if (inKubernetes) {
    const placed = placeInKubernetes(resolved);
    if (!isSplit) return deepFreeze(placed);
    // As `holdfast render docker` has them.
    return deepFreeze({ ...placed, outside: resolveSpec({ ...file, runtime: 'docker' }, here, ports) });
  }
  return deepFreeze(isSplit ? placeOutside(resolved) : resolved);
}

/** Where the members' addresses are. */
function networkAddresses(file: SpecFile, host: string): readonly string[] {
  const hosts = (file.hosts ?? []).map(({ address }) => address);
  if (file.runtime === 'docker' && hosts.length === 0) return resolveDocker(file).subnet.split('/', 1);
  return [host, ...hosts];
}

function supabase(file: SpecFile): ClusterSpec['supabase'] {
  const enabled = file.supabase?.enabled ?? defaults.supabase.enabled;
  const { enabled: wanted = defaults.supabase.net.enabled, keepAnswers } = file.supabase?.net ?? {};
  const answersKeptSeconds = keepAnswers === undefined ? defaults.supabase.net.answersKeptSeconds : keepAnswers / 1000;
  return { enabled, net: { enabled: enabled && wanted, answersKeptSeconds } };
}

/** What `ports: auto` chose before there was an API has no port for it. */
function apiPort(assigned: Partial<PortAssignment>): number {
  return assigned.api ?? defaults.ports.api;
}

function assignedPorts(file: SpecFile, chosen: PortAssignment | undefined): PortAssignment {
  const requested = requestedPorts(file);
  if (requested !== 'auto') return requested;
  if (chosen === undefined) throw portsNotChosen('no ports have been chosen yet');
  const shape = portShape(file);
  const enough =
    [chosen.postgres, chosen.patroni, chosen.agent ?? []].every((run) => run.length >= shape.members) &&
    [chosen.etcdClient, chosen.etcdPeer].every((run) => run.length >= shape.etcdSize);
  if (!enough) throw portsNotChosen('those chosen earlier are for fewer members');
  return chosen;
}

/** For sizing only; what PostgreSQL would not take as a number counts as the default. */
function maxConnections(file: SpecFile): number {
  const entry = Object.entries(file.postgres?.parameters ?? {}).find(
    ([name]) => name.toLowerCase() === 'max_connections',
  );
  const number = Number(entry?.[1]);
  return Number.isInteger(number) && number > 0 ? number : defaults.maxConnections;
}

function at(run: readonly number[], index: number): number {
  const port = run[index];
  if (port === undefined) throw portsNotChosen('there are fewer ports than members');
  return port;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
