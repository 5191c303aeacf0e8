import type { ParameterValue, SynchronousMode } from './cluster-spec.js';
import { checkKubernetes } from './contradictions-kubernetes.js';
import { isLoopback } from './hba.js';
import { weakensSynchronous } from './parameters.js';
import { fixedPorts, listPorts, type NamedPort, portShape } from './ports.js';
import type { Problem } from './problem.js';
import { formatDuration } from './quantity.js';
import { apiEnabled } from './resolve-api.js';
import type { PortsFile, SpecFile } from './schema.js';
import { specDefaults as defaults } from './spec-defaults.js';

interface Rule {
  /** Where the settings are that it looks at; it says nothing while one of them is itself invalid. */
  readonly involves: readonly string[];
  readonly check: (file: SpecFile) => readonly Problem[];
}

/** What is wrong between settings that are each right. `invalid`: paths already reported. */
export function findContradictions(file: SpecFile, invalid: readonly string[]): readonly Problem[] {
  return rules
    .filter(({ involves }) => !involves.some((path) => invalid.some((other) => overlaps(path, other))))
    .flatMap(({ check }) => check(file));
}

/** The mode in force: a single member has nobody to replicate to. */
export function synchronousMode(file: SpecFile): SynchronousMode {
  return file.synchronous?.mode ?? (file.members === 1 ? 'off' : defaults.synchronous.mode);
}

function overlaps(a: string, b: string): boolean {
  return (
    b === '(document)' || [`${a}.`, `${a}[`].some((start) => `${b}.`.startsWith(start)) || `${a}.`.startsWith(`${b}.`)
  );
}

const rules: readonly Rule[] = [
  { involves: ['members', 'synchronous'], check: checkStandbys },
  { involves: ['patroni'], check: checkPatroniTimings },
  { involves: ['etcd.heartbeat', 'etcd.electionTimeout'], check: checkEtcdTimings },
  { involves: ['ports', 'members', 'etcd.size', 'pooler.enabled'], check: checkPorts },
  { involves: ['members', 'synchronous', 'postgres.parameters'], check: checkParametersInContext },
  { involves: ['runtime', 'hosts', 'listen', 'kubernetes'], check: checkDockerHosts },
  {
    involves: ['runtime', 'hosts', 'listen', 'ports', 'resources', 'etcd.quota', 'kubernetes'],
    check: checkKubernetes,
  },
];

function checkStandbys(file: SpecFile): readonly Problem[] {
  const members = file.members ?? defaults.members;
  const standbys = file.synchronous?.standbys;
  const mode = synchronousMode(file);
  if (mode === 'strict' && members === 1) {
    const problem = 'cannot be strict with one member: without a standby every write would wait forever';
    return [{ path: ['synchronous'], problem, suggestion: 'Use more members, or the mode off.' }];
  }
  if (mode === 'off' || standbys === undefined || standbys < members) return [];
  const problem = `must be less than members, which is ${members}: the primary is not its own standby`;
  const suggestion = members === 1 ? 'Use more members, or the mode off.' : `Write at most ${members - 1}.`;
  return [{ path: ['synchronous', 'standbys'], problem, suggestion }];
}

function checkPatroniTimings(file: SpecFile): readonly Problem[] {
  const { ttl, loopWait, retryTimeout } = patroniSeconds(file);
  const needed = loopWait + 2 * retryTimeout;
  if (needed <= ttl) return [];
  const problem = `must be at least loopWait + 2 × retryTimeout, here ${loopWait} + 2 × ${retryTimeout} = ${needed} s, and is ${ttl} s: else the lease ends while Patroni still tries`;
  return [{ path: ['patroni', 'ttl'], problem, suggestion: `Write \`ttl: ${needed}s\`, or shorten the others.` }];
}

/** Patroni's timings in force, in its unit. */
export function patroniSeconds(file: SpecFile) {
  const seconds = (milliseconds: number | undefined, preset: number) =>
    milliseconds === undefined ? preset : milliseconds / 1000;
  return {
    ttl: seconds(file.patroni?.ttl, defaults.patroni.ttl),
    loopWait: seconds(file.patroni?.loopWait, defaults.patroni.loopWait),
    retryTimeout: seconds(file.patroni?.retryTimeout, defaults.patroni.retryTimeout),
  };
}

function checkEtcdTimings(file: SpecFile): readonly Problem[] {
  const heartbeat = file.etcd?.heartbeat ?? defaults.etcd.heartbeatMilliseconds;
  const election = file.etcd?.electionTimeout ?? defaults.etcd.electionMilliseconds;
  if (election >= 5 * heartbeat) return [];
  const needed = formatDuration(5 * heartbeat);
  const problem = `must be at least 5 heartbeats, here ${needed}: etcd refuses less`;
  return [{ path: ['etcd', 'electionTimeout'], problem, suggestion: `Write \`electionTimeout: ${needed}\` or more.` }];
}

function checkPorts(file: SpecFile): readonly Problem[] {
  const given = file.ports;
  if (given === undefined || given === 'auto') return collisions(file);
  const shape = portShape(file);
  const counts = {
    postgres: shape.members,
    patroni: shape.members,
    agent: shape.members,
    etcdClient: shape.etcdSize,
    etcdPeer: shape.etcdSize,
  };
  const wrong = (['postgres', 'patroni', 'agent', 'etcdClient', 'etcdPeer'] as const).flatMap((purpose): Problem[] => {
    const list = given[purpose];
    if (!Array.isArray(list) || list.length === counts[purpose]) return [];
    const setting = purpose.startsWith('etcd') ? 'etcd.size' : 'members';
    const problem = `must have one port each for ${setting}, which is ${counts[purpose]}, and has ${list.length}`;
    return [{ path: ['ports', purpose], problem, suggestion: 'List as many, or give only the first port.' }];
  });
  return wrong.length > 0 ? wrong : collisions(file);
}

function collisions(file: SpecFile): readonly Problem[] {
  const given = file.ports;
  if (given === 'auto') return [];
  const named = listPorts(fixedPorts(portShape(file), given), {
    pooler: file.pooler?.enabled ?? true,
    api: apiEnabled(file),
  });
  const holders = new Map<number, NamedPort>();
  const found = new Map<string, Problem>();
  for (const entry of named) {
    const holder = holders.get(entry.port);
    holders.set(entry.port, holder ?? entry);
    const problem = tooHigh(entry) ?? (holder === undefined ? undefined : collision(holder, entry, given));
    // A run that meets another one does so many times; once is enough.
    if (problem !== undefined && !found.has(problem.path.join())) found.set(problem.path.join(), problem);
  }
  return [...found.values()];
}

function tooHigh({ purpose, owner, port }: NamedPort): Problem | undefined {
  if (port <= 65535) return undefined;
  const problem = `runs to ${port} for ${owner}, and ports end at 65535`;
  return { path: ['ports', purpose], problem, suggestion: 'Begin with a lower port.' };
}

function collision(first: NamedPort, second: NamedPort, given: PortsFile | undefined): Problem {
  const blamed = given?.[second.purpose] === undefined ? first.purpose : second.purpose;
  const [one, other] = [first, second].map(({ owner, purpose }) => `${owner} (ports.${purpose})`);
  const problem = `gives port ${first.port} both to ${one} and to ${other}`;
  return { path: ['ports', blamed], problem, suggestion: 'Give one of them another port, or write `ports: auto`.' };
}

function checkParametersInContext(file: SpecFile): readonly Problem[] {
  const mode = synchronousMode(file);
  const members = file.members ?? defaults.members;
  return Object.entries(file.postgres?.parameters ?? {}).flatMap(([name, value]): Problem[] => {
    const path = ['postgres', 'parameters', name];
    const lower = name.toLowerCase();
    if (lower === 'synchronous_commit' && weakensSynchronous(mode, value)) {
      const problem = `cannot be ${String(value)} in the synchronous mode ${mode}: commits would be acknowledged before a standby has them, and a failover would lose them`;
      return [{ path, problem, suggestion: 'Remove it, or set `synchronous: off` if such losses are acceptable.' }];
    }
    if (['max_wal_senders', 'max_replication_slots'].includes(lower) && tooFew(value, members)) {
      const problem = `must be at least members, which is ${members}: each replica takes one`;
      return [{ path, problem, suggestion: `Write ${members + 10}, or leave it out.` }];
    }
    return [];
  });
}

function checkDockerHosts({ runtime, hosts, listen, kubernetes }: SpecFile): readonly Problem[] {
  if (runtime !== 'docker' || hosts === undefined) return [];
  const spaced = hosts.findIndex(({ namespace }) => namespace !== undefined);
  if (spaced >= 0) {
    const problem = 'cannot be with the runtime docker, whose containers run in the network of their host';
    return [{ path: ['hosts', spaced, 'namespace'], problem, suggestion: 'Remove it.' }];
  }
  // HAProxy is elsewhere then, and no agent tells it.
  if (kubernetes?.members === 'docker' || !isLoopback(listen ?? defaults.listen)) return [];
  const problem = 'cannot be loopback with several Docker hosts: agents on all of them talk to HAProxy';
  return [{ path: ['listen'], problem, suggestion: 'Write the address of the host that HAProxy shall run on.' }];
}

function tooFew(value: ParameterValue, members: number): boolean {
  return Number(value) < members;
}
