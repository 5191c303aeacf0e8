import { access, readFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import { createEtcdClient, createHaproxyClient, createPatroniClient, type TlsFiles } from '@holdfast/components';
import {
  createDockerRuntime,
  createKubernetesRuntime,
  createProcessRuntime,
  createSplitRuntime,
  type Runtime,
  splitInForce,
  splitSpec,
} from '@holdfast/runtime';
import {
  type ClusterSpec,
  fixedPorts,
  type Machine,
  type PortAssignment,
  parseSpecFile,
  portShape,
  type RuntimeKind,
  requestedPorts,
  resolveSpec,
  type Secrets,
  type SpecFile,
} from '@holdfast/spec';
import type { Clients, ClusterContext } from './context.js';
import { membersMoved, runtimeChanged, specFileMissing } from './errors.js';
import { readPorts } from './state/port-assignment.js';
import { readSecrets } from './state/secrets-file.js';
import { type ClusterMarker, locateStateDirectory, ownerOf, readMarker } from './state/state-directory.js';

export const specFileName = 'holdfast.yaml';

export interface OpenOptions {
  /** `-f FILE`; undefined: holdfast.yaml in `cwd` if it is there, else the default cluster. */
  readonly file: string | undefined;
  readonly cwd: string;
  /** `--runtime`, over the file's; undefined: what runs the cluster already, or what the file says. */
  readonly runtime?: RuntimeKind | undefined;
}

/** A parsed spec file and where it stands. */
export interface LoadedSpec {
  readonly file: SpecFile;
  /** Undefined: there is none, the default cluster. */
  readonly path: string | undefined;
  /** Folder that relative paths in the spec start from. */
  readonly base: string;
}

/** Finds, reads and validates the spec. Errors: HF_SPEC_MISSING, HF_SPEC_INVALID. */
export async function loadSpec(options: OpenOptions): Promise<LoadedSpec> {
  const path = resolve(options.cwd, options.file ?? specFileName);
  const exists = await access(path).then(
    () => true,
    () => false,
  );
  if (!exists && options.file !== undefined) throw specFileMissing(path);
  const base = dirname(path);
  if (!exists) return { file: parseSpecFile('', specFileName), path: undefined, base };
  return { file: parseSpecFile(await readFile(path, 'utf8'), options.file ?? specFileName), path, base };
}

/** This machine, or the part of it that a container or service limit leaves. */
export function thisMachine(): Machine {
  const limit = process.constrainedMemory();
  const memoryBytes = limit > 0 && limit < totalmem() ? limit : totalmem();
  return { memoryBytes, cores: availableParallelism() };
}

/**
 * The spec with the runtime that the cluster is brought up with. One that was brought up stays with its runtime, whose data another one does
 * not find: HF_RUNTIME_CHANGED when something else is asked for.
 */
export function settleRuntime(
  loaded: LoadedSpec,
  asked: RuntimeKind | undefined,
  marker: ClusterMarker | undefined,
): LoadedSpec {
  const present = marker?.runtime ?? (marker?.systemIdentifier === undefined ? undefined : 'process');
  if (present !== undefined && asked !== undefined && asked !== present) throw runtimeChanged(present, asked);
  // What a flag brought up needs no flag later.
  const wanted = asked ?? present ?? loaded.file.runtime;
  return wanted === undefined ? loaded : { ...loaded, file: { ...loaded.file, runtime: wanted } };
}

/** The spec with default ports where free ones are still to be chosen: enough for everything but addresses. */
export function draftSpec({ file }: LoadedSpec): ClusterSpec {
  const ports = requestedPorts(file) === 'auto' ? fixedPorts(portShape(file)) : undefined;
  return resolveSpec(file, thisMachine(), ports);
}

/** Opens a cluster for looking at it or operating on it; changes nothing. Dispose of `runtime` when done. */
export async function openCluster(options: OpenOptions): Promise<ClusterContext> {
  const found = await loadSpec(options);
  const { name, dataDirectory } = draftSpec(found);
  const stateDirectory = await locateStateDirectory(found.base, name, dataDirectory);
  const marker = await readMarker(stateDirectory);
  const loaded = settleRuntime(found, options.runtime, marker);
  const preliminary = draftSpec(loaded);
  const chosen = requestedPorts(loaded.file) === 'auto' ? await readPorts(stateDirectory) : undefined;
  const spec =
    chosen === undefined ? preliminary : resolveSpec(loaded.file, thisMachine(), withStandIns(chosen, loaded.file));
  return await createContext({ loaded, spec, stateDirectory, marker, secrets: await readSecrets(stateDirectory) });
}

/** The clients and the runtime of a cluster whose place is known. */
export async function createContext(parts: {
  readonly loaded: LoadedSpec;
  readonly spec: ClusterSpec;
  readonly stateDirectory: string;
  readonly marker: ClusterMarker | undefined;
  readonly secrets: Secrets | undefined;
}): Promise<ClusterContext> {
  const { spec: described, stateDirectory, marker, secrets } = parts;
  const { runtime, spec, etcdTls } = await createRuntime(described, stateDirectory, marker);
  return {
    spec,
    specFile: parts.loaded.path,
    specDirectory: parts.loaded.base,
    stateDirectory,
    secrets,
    runtime,
    clients: createClients(spec, secrets, etcdTls),
  };
}

interface Running {
  readonly runtime: Runtime;
  /** As it is reached from here. */
  readonly spec: ClusterSpec;
  readonly etcdTls?: TlsFiles;
}

async function createRuntime(
  spec: ClusterSpec,
  stateDirectory: string,
  marker: ClusterMarker | undefined,
): Promise<Running> {
  const owner = marker === undefined ? undefined : ownerOf(marker);
  if (spec.runtime === 'docker') return { runtime: createDockerRuntime({ stateDirectory, spec, owner }), spec };
  if (spec.runtime === 'process')
    return { runtime: createProcessRuntime({ stateDirectory, cluster: spec.name }), spec };
  const split = splitSpec(spec);
  const inForce = splitInForce(stateDirectory);
  if (inForce !== undefined && inForce !== (split !== undefined)) throw membersMoved(inForce);
  const runtime =
    split === undefined
      ? await createKubernetesRuntime({ stateDirectory, spec, owner })
      : await createSplitRuntime({ stateDirectory, spec: split, owner });
  return { runtime, spec: runtime.reached, etcdTls: runtime.etcdTls };
}

/** See doorTimeoutMilliseconds in view/observe.ts; a question that a tunnel swallowed is asked again. */
const throughDoors = { timeoutMilliseconds: 12_000, attempts: 3 } as const;

function createClients(spec: ClusterSpec, secrets: Secrets | undefined, etcdTls: TlsFiles | undefined): Clients {
  const scheme = etcdTls === undefined ? 'http' : 'https';
  return {
    patroni: spec.members.map(({ name, host, patroniPort }) => ({
      member: name,
      client: createPatroniClient({
        url: `http://${urlHost(host)}:${patroniPort}`,
        ...(spec.inside === undefined ? {} : throughDoors),
        ...(secrets === undefined ? {} : { username: 'holdfast', password: secrets['patroni-api'] }),
      }),
    })),
    etcd: spec.etcd.members.map(({ name, host, clientPort }) => ({
      member: name,
      client: createEtcdClient({ url: `${scheme}://${urlHost(host)}:${clientPort}`, tls: etcdTls }),
    })),
    haproxy: createHaproxyClient({
      url: `http://${urlHost(spec.haproxy.host)}:${spec.haproxy.statsPort}`,
      ...(secrets === undefined ? {} : { username: 'holdfast', password: secrets['haproxy-stats'] }),
    }),
  };
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** What the file has added since has no ports yet; the default ones stand in, so that the rest is found where it is. */
function withStandIns(chosen: PortAssignment, file: SpecFile): PortAssignment {
  const standIns = fixedPorts(portShape(file));
  // A file of an earlier version knows no agents.
  const filled = (purpose: 'postgres' | 'patroni' | 'agent' | 'etcdClient' | 'etcdPeer') => {
    const kept: readonly number[] = chosen[purpose] ?? [];
    return [...kept, ...standIns[purpose].slice(kept.length)];
  };
  return {
    ...chosen,
    postgres: filled('postgres'),
    patroni: filled('patroni'),
    agent: filled('agent'),
    etcdClient: filled('etcdClient'),
    etcdPeer: filled('etcdPeer'),
  };
}
