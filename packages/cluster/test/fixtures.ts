import type { EtcdKeyValue, PatroniState } from '@holdfast/components';
import { type ClusterSpec, parseSpecFile, resolveSpec, type SynchronousMode } from '@holdfast/spec';
import { buildView } from '../src/view/build-view.js';
import type { Answer, Observation } from '../src/view/observation.js';
import type { ClusterView } from '../src/view/view.js';

/** Data for unit tests: a spec, what its parts answer when all is well, and what they answer when not. */

export const silence = { ok: false, reason: 'no answer within 1000 ms' } as const;

export function said<T>(value: T): Answer<T> {
  return { ok: true, value, milliseconds: 1.5 };
}

const specs = new Map<string, ClusterSpec>();

export function testSpec(mode: SynchronousMode = 'on', members = 3): ClusterSpec {
  const text = `name: demo\nmembers: ${members}\nsynchronous: { mode: ${mode} }\n`;
  const known = specs.get(text);
  if (known) return known;
  const spec = resolveSpec(parseSpecFile(text, 'holdfast.yaml'), { memoryBytes: 8 * 1024 ** 3, cores: 4 }, undefined);
  specs.set(text, spec);
  return spec;
}

export const at = 1_700_000_000_000;

export function patroniState(name: string, change: Partial<PatroniState> = {}): PatroniState {
  return {
    state: 'running',
    role: 'replica',
    serverVersion: 150020,
    timeline: 3,
    patroniVersion: '4.0.7',
    scope: 'demo',
    name,
    systemIdentifier: '7000000000000000001',
    pendingRestart: false,
    paused: false,
    dcsLastSeen: at / 1000 - 1,
    walBytes: 5000,
    replicationState: 'streaming',
    ...change,
  };
}

export function primaryState(name: string, change: Partial<PatroniState> = {}): PatroniState {
  return patroniState(name, { role: 'primary', walBytes: 6000, replicationState: undefined, ...change });
}

/** Patroni's keys; a value of undefined leaves the key out. */
export function dcsKeys(change: Readonly<Record<string, string | undefined>> = {}): readonly EtcdKeyValue[] {
  const all: Readonly<Record<string, string | undefined>> = {
    config: JSON.stringify({ ttl: 20, synchronous_mode: true }),
    initialize: '7000000000000000001',
    leader: 'pg1',
    'members/pg1': JSON.stringify({ role: 'primary', state: 'running', timeline: 3, xlog_location: 6000 }),
    'members/pg2': JSON.stringify({ role: 'replica', state: 'running', timeline: 3, xlog_location: 5000 }),
    'members/pg3': JSON.stringify({ role: 'replica', state: 'running', timeline: 3, tags: { nofailover: true } }),
    status: JSON.stringify({ optime: 5900, slots: { pg2: 5000 }, retain_slots: ['pg1', 'pg2', 'pg3'] }),
    sync: JSON.stringify({ leader: 'pg1', sync_standby: 'pg2', quorum: 0 }),
    ...change,
  };
  return Object.entries(all).flatMap(([name, value], index) =>
    value === undefined ? [] : [{ key: `/service/demo/${name}`, value, modRevision: String(100 + index), lease: '0' }],
  );
}

type PatroniEntry = Observation['patroni'][number];
type EtcdEntry = Observation['etcd'][number];

export interface Changes {
  readonly patroni?: Readonly<Record<string, Partial<Pick<PatroniEntry, 'state' | 'cluster'>>>>;
  readonly etcd?: Readonly<Record<string, Partial<Pick<EtcdEntry, 'status' | 'alarms' | 'keys'>>>>;
  readonly keys?: EtcdEntry['keys'];
  readonly haproxy?: Observation['haproxy'];
  readonly pooler?: Observation['pooler'];
  readonly units?: Observation['units'];
}

/** pg1 leads, pg2 is its synchronous standby, pg3 a replica; etcd1 leads etcd. */
export function observation(spec: ClusterSpec, changes: Changes = {}): Observation {
  const keys = changes.keys ?? said(dcsKeys());
  return {
    at,
    units: changes.units ?? said([]),
    patroni: spec.members.map(({ name, host, patroniPort }, index) => ({
      member: name,
      url: `http://${host}:${patroniPort}`,
      state: said(index === 0 ? primaryState(name) : patroniState(name)),
      cluster: silence,
      ...changes.patroni?.[name],
    })),
    etcd: spec.etcd.members.map(({ name, host, clientPort }, index) => ({
      member: name,
      url: `http://${host}:${clientPort}`,
      status: said({ memberId: String(index + 1), leaderId: '1', version: '3.4.23', databaseBytes: 20480 }),
      alarms: said([]),
      keys,
      ...changes.etcd?.[name],
    })),
    haproxy:
      changes.haproxy ??
      said([
        { proxy: 'primary', server: 'pg1', status: 'UP', currentSessions: 2, queued: 0 },
        { proxy: 'primary', server: 'pg2', status: 'DOWN', currentSessions: 0, queued: 0 },
        { proxy: 'primary', server: 'pg3', status: 'DOWN', currentSessions: 0, queued: 0 },
        { proxy: 'primary', server: 'hold', status: 'no check', currentSessions: 0, queued: 0 },
        { proxy: 'primary', server: 'BACKEND', status: 'UP', currentSessions: 2, queued: 0 },
        { proxy: 'replicas', server: 'pg2', status: 'UP', currentSessions: 0, queued: 0 },
      ]),
    pooler: 'pooler' in changes ? changes.pooler : said(true as const),
  };
}

export const mute = { state: silence, cluster: silence } as const;
export const muteEtcd = { status: silence, alarms: silence, keys: silence } as const;

export function testView(changes: Changes = {}, mode: SynchronousMode = 'on'): ClusterView {
  const spec = testSpec(mode);
  return buildView(spec, observation(spec, changes));
}

export function memberOf(view: ClusterView, name: string) {
  const member = view.members.find((candidate) => candidate.name === name);
  if (!member) throw new Error(`no member ${name}`);
  return member;
}
