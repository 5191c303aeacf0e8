import type { PortAssignment } from './cluster-spec.js';
import type { PortsFile, SpecFile } from './schema.js';
import { specDefaults } from './spec-defaults.js';

/** How many of what needs ports. */
export interface PortShape {
  readonly members: number;
  readonly etcdSize: number;
}

export function portShape(file: SpecFile): PortShape {
  return { members: file.members ?? specDefaults.members, etcdSize: file.etcd?.size ?? specDefaults.etcd.size };
}

/** The ports that the file asks for; `auto`: whoever brings the cluster up chooses free ones. */
export function requestedPorts(file: SpecFile): PortAssignment | 'auto' {
  return file.ports === 'auto' ? 'auto' : fixedPorts(portShape(file), file.ports);
}

/** The file's ports over the default ones; runs count up by 1, those of etcd by 100. A list is taken as it is. */
export function fixedPorts(shape: PortShape, ports: PortsFile = {}): PortAssignment {
  const defaults = specDefaults.ports;
  const run = (value: number | readonly number[], count: number, step: number): readonly number[] =>
    typeof value === 'number' ? Array.from({ length: count }, (_, index) => value + index * step) : value;
  return {
    postgres: run(ports.postgres ?? defaults.postgres, shape.members, 1),
    patroni: run(ports.patroni ?? defaults.patroni, shape.members, 1),
    agent: run(ports.agent ?? defaults.agent, shape.members, 1),
    etcdClient: run(ports.etcdClient ?? defaults.etcdClient, shape.etcdSize, 100),
    etcdPeer: run(ports.etcdPeer ?? defaults.etcdPeer, shape.etcdSize, 100),
    readWrite: ports.readWrite ?? defaults.readWrite,
    readOnly: ports.readOnly ?? defaults.readOnly,
    haproxyStats: ports.haproxyStats ?? defaults.haproxyStats,
    pooler: ports.pooler ?? defaults.pooler,
    api: ports.api ?? defaults.api,
  };
}

export interface NamedPort {
  readonly purpose: keyof PortAssignment;
  /** For people: `pg1`, `Patroni of pg1`, `HAProxy, read-write`. */
  readonly owner: string;
  readonly port: number;
}

/** Every port of an assignment with what it is for. */
export function listPorts(
  ports: PortAssignment,
  options: { readonly pooler: boolean; readonly api: boolean },
): readonly NamedPort[] {
  const runs = (purpose: 'postgres' | 'patroni' | 'agent' | 'etcdClient' | 'etcdPeer', owner: (n: number) => string) =>
    ports[purpose].map((port, index): NamedPort => ({ purpose, owner: owner(index + 1), port }));
  return [
    ...runs('postgres', (n) => `pg${n}`),
    ...runs('patroni', (n) => `Patroni of pg${n}`),
    ...runs('agent', (n) => `agent of pg${n}`),
    ...runs('etcdClient', (n) => `etcd${n}, clients`),
    ...runs('etcdPeer', (n) => `etcd${n}, peers`),
    { purpose: 'readWrite', owner: 'HAProxy, read-write', port: ports.readWrite },
    { purpose: 'readOnly', owner: 'HAProxy, read-only', port: ports.readOnly },
    { purpose: 'haproxyStats', owner: 'HAProxy, statistics', port: ports.haproxyStats },
    ...(options.pooler ? [{ purpose: 'pooler' as const, owner: 'PgBouncer', port: ports.pooler }] : []),
    ...(options.api ? [{ purpose: 'api' as const, owner: "Supabase's API", port: ports.api }] : []),
  ];
}
