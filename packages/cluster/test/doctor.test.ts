import type { UnitStatus } from '@holdfast/runtime';
import { describe, expect, test } from 'vitest';
import { type ApiFacts, judgeApi } from '../src/doctor/check-api.js';
import { judgeClock } from '../src/doctor/check-clock.js';
import { judgeDescriptors } from '../src/doctor/check-descriptors.js';
import { judgeDisk } from '../src/doctor/check-disk.js';
import { judgeDrift } from '../src/doctor/check-drift.js';
import { judgeEtcd } from '../src/doctor/check-etcd.js';
import { judgeHaproxy } from '../src/doctor/check-haproxy.js';
import { judgeMemory } from '../src/doctor/check-memory.js';
import { judgePatroni } from '../src/doctor/check-patroni.js';
import { judgePermissions } from '../src/doctor/check-permissions.js';
import { judgePooler } from '../src/doctor/check-pooler.js';
import { judgePorts, type PortFact } from '../src/doctor/check-ports.js';
import { judgeProcesses } from '../src/doctor/check-processes.js';
import { judgeReplication } from '../src/doctor/check-replication.js';
import { judgeSlots, type SlotFact } from '../src/doctor/check-slots.js';
import { judgeTools } from '../src/doctor/check-tools.js';
import { type Finding, showBytes } from '../src/doctor/finding.js';
import {
  at,
  dcsKeys,
  mute,
  muteEtcd,
  patroniState,
  primaryState,
  said,
  silence,
  testSpec,
  testView,
} from './fixtures.js';

const GiB = 1024 ** 3;

/** `severity id`, and on the way: whatever is to be mended says how. */
function brief(findings: readonly Finding[]): readonly string[] {
  for (const { severity, remedy } of findings) {
    if (severity === 'warning' || severity === 'error') expect(remedy).toBeTruthy();
  }
  return findings.map(({ severity, id }) => `${severity} ${id}`);
}

test('a paused pooler is an error', () => {
  expect(brief(judgePooler(true))).toEqual(['error pooler.paused']);
  expect(brief(judgePooler(false))).toEqual(['ok pooler']);
  expect(judgePooler(undefined)).toEqual([]);
});

describe('the API', () => {
  const facts: ApiFacts = {
    url: 'http://127.0.0.1:8000',
    answer: { auth: 'ready', rest: 'ready' },
    clockSeconds: -0.9,
    keys: { publishable: 'accepted', secret: undefined },
  };
  test.each([
    ['all is well', facts, ['ok api']],
    ['nobody answers', { ...facts, answer: 'none' }, ['error api']],
    ['somebody else answers', { ...facts, answer: 'something else' }, ['error api.port']],
    ['REST has no database yet', { ...facts, answer: { auth: 'ready', rest: 'starting' } }, ['warning api.rest']],
    ['Auth runs elsewhere, and is away', { ...facts, answer: { auth: 'unreachable' } }, ['error api.auth']],
    ['a key is refused', { ...facts, keys: { publishable: 'accepted', secret: 'refused' } }, ['error api.key.secret']],
    ['its clock is ahead', { ...facts, clockSeconds: 61 }, ['warning api.clock']],
    ['its clock is behind', { ...facts, clockSeconds: -4 }, ['warning api.clock']],
    ['it says no time', { ...facts, clockSeconds: undefined }, ['ok api']],
  ] as const)('%s', (_, given, expected) => {
    expect(brief(judgeApi(given))).toEqual(expected);
  });
  test('there is none', () => {
    expect(judgeApi(undefined)).toEqual([]);
  });
});

describe('ports', () => {
  const fact: PortFact = {
    unit: 'pg1',
    purpose: 'postgres',
    host: '127.0.0.1',
    port: 5432,
    holder: { pid: 10, name: 'postgres' },
    unitPids: [9, 10],
  };
  test.each([
    ['held by its unit', fact, ['ok ports']],
    ['free while nothing runs', { ...fact, holder: undefined, unitPids: [] }, ['ok ports']],
    ['held by somebody else', { ...fact, holder: { pid: 77, name: 'nginx' } }, ['error ports.pg1.postgres']],
    ['held while nothing of ours runs', { ...fact, unitPids: [] }, ['error ports.pg1.postgres']],
    ['held by nobody although the unit runs', { ...fact, holder: undefined }, ['warning ports.pg1.postgres']],
    ['held by one that we may not see', { ...fact, holder: { pid: undefined, name: undefined } }, ['ok ports']],
    [
      'held, and our processes are not known',
      { ...fact, unitPids: undefined, holder: { pid: 77, name: 'x' } },
      ['ok ports'],
    ],
  ])('%s', (_, given, expected) => {
    expect(brief(judgePorts([given]))).toEqual(expected);
  });

  test('the holder is named', () => {
    const [finding] = judgePorts([{ ...fact, holder: { pid: 77, name: 'nginx' } }]);
    expect(finding?.what).toBe('127.0.0.1:5432 (pg1, postgres) is held by nginx (pid 77), which is not pg1');
  });
});

describe('machine', () => {
  test.each([
    ['plenty', 100 * GiB, 50 * GiB, 'ok'],
    ['a small share of a large volume', 1000 * GiB, 40 * GiB, 'ok'],
    ['a small share', 50 * GiB, 4 * GiB, 'warning'],
    ['next to nothing', 50 * GiB, 0.1 * GiB, 'error'],
  ])('disk with %s', (_, totalBytes, freeBytes, severity) => {
    expect(brief(judgeDisk([{ path: '/srv', holds: ['state'], totalBytes, freeBytes }]))).toEqual([
      `${severity} disk./srv`,
    ]);
  });

  const withBuffers = (value: string | number) => {
    const spec = testSpec();
    return {
      ...spec,
      postgres: { ...spec.postgres, parameters: { ...spec.postgres.parameters, shared_buffers: value } },
    };
  };
  test.each([
    ['128MB', 'ok'],
    [131072, 'warning'],
    ['1GB', 'warning'],
    ['1.5GB', 'error'],
    ['4GB', 'error'],
  ])('memory for three times %s of 5 GiB', (value, severity) => {
    const findings = judgeMemory(withBuffers(value), { totalBytes: 5 * GiB, availableBytes: undefined });
    expect(brief(findings)).toEqual([`${severity} memory.shared-buffers`]);
  });

  test('memory that is used up', () => {
    const findings = judgeMemory(withBuffers('128MB'), { totalBytes: 8 * GiB, availableBytes: 0.1 * GiB });
    expect(brief(findings)).toEqual(['ok memory.shared-buffers', 'warning memory.available']);
  });

  test('clock', () => {
    expect(brief([judgeClock(true), judgeClock(false), judgeClock(undefined)])).toEqual([
      'ok clock',
      'warning clock',
      'info clock',
    ]);
  });

  test('file descriptors: the hard limit counts for HAProxy, the soft one for the others', () => {
    const fact = (component: string) => ({ unit: component, component, softLimit: 1024, hardLimit: 1_048_576 });
    expect(brief(judgeDescriptors(testSpec(), ['haproxy', 'etcd', 'patroni'].map(fact)))).toEqual(['ok descriptors']);
    expect(brief(judgeDescriptors(testSpec(), [fact('pgbouncer')]))).toEqual(['warning descriptors.pgbouncer']);
  });

  test('modes: a data directory may be read by its group, a secret by nobody', () => {
    const path = '/srv/x';
    expect(brief(judgePermissions([{ path, kind: 'secret', mode: 0o600 }]))).toEqual(['ok modes']);
    expect(brief(judgePermissions([{ path, kind: 'data', mode: 0o750 }]))).toEqual(['ok modes']);
    expect(brief(judgePermissions([{ path, kind: 'data', mode: 0o755 }]))).toEqual(['error mode./srv/x']);
    expect(brief(judgePermissions([{ path, kind: 'secret', mode: 0o640 }]))).toEqual(['error mode./srv/x']);
    expect(brief(judgePermissions([{ path, kind: 'file', mode: 0o644 }]))).toEqual(['warning mode./srv/x']);
  });

  test('tools', () => {
    const search = {
      missing: [{ tool: 'haproxy', reason: 'haproxy is not installed' } as const],
      refused: ['/usr/bin/patroni: too old'],
      versions: { etcd: '3.4.23' },
    };
    expect(brief(judgeTools(search))).toEqual(['error tools.haproxy', 'info tools.refused', 'ok tools']);
    expect(brief(judgeTools(undefined))).toEqual(['info tools']);
  });
});

describe('etcd', () => {
  test.each([
    ['all well', {}, ['ok etcd.quorum']],
    ['one down', { etcd: { etcd2: muteEtcd } }, ['ok etcd.quorum', 'warning etcd.health.etcd2']],
    [
      'no quorum',
      { etcd: { etcd2: muteEtcd, etcd3: muteEtcd } },
      ['error etcd.quorum', 'warning etcd.health.etcd2', 'warning etcd.health.etcd3'],
    ],
    ['full', { etcd: { etcd1: { alarms: said(['NOSPACE']) } } }, ['ok etcd.quorum', 'error etcd.alarm.etcd1']],
    [
      'slow',
      {
        etcd: {
          etcd1: {
            status: {
              ...said({ memberId: '1', leaderId: '1', version: '3.4.23', databaseBytes: 1 }),
              milliseconds: 400,
            },
          },
        },
      },
      ['ok etcd.quorum', 'warning etcd.latency.etcd1'],
    ],
    [
      'nearly full',
      {
        etcd: {
          etcd1: { status: said({ memberId: '1', leaderId: '1', version: '3.4.23', databaseBytes: 0.9 * GiB }) },
        },
      },
      ['ok etcd.quorum', 'warning etcd.size.etcd1'],
    ],
    [
      'two leaders',
      { etcd: { etcd2: { status: said({ memberId: '2', leaderId: '2', version: '3.4.23', databaseBytes: 1 }) } } },
      ['ok etcd.quorum', 'warning etcd.leader'],
    ],
  ])('%s', (_, changes, expected) => {
    expect(brief(judgeEtcd(testView(changes)))).toEqual([...expected, 'info etcd.placement']);
  });
});

describe('Patroni', () => {
  const version = (patroniVersion: string, name = 'pg2') => ({
    patroni: { [name]: { state: said(patroniState(name, { patroniVersion })) } },
  });
  test.each([
    ['all well', {}, ['ok patroni']],
    ['one silent', { patroni: { pg3: mute } }, ['error patroni.pg3']],
    [
      'cut off from etcd',
      { patroni: { pg3: { state: said(patroniState('pg3', { dcsLastSeen: at / 1000 - 60 })) } } },
      ['error patroni.dcs.pg3'],
    ],
    ['an unsound version', version('3.0.2'), ['error patroni.version.pg2', 'warning patroni.versions']],
    ['two versions', version('4.1.0'), ['warning patroni.versions']],
  ])('%s', (_, changes, expected) => {
    expect(brief(judgePatroni(testView(changes), undefined))).toEqual(expected);
  });

  test('says why a version is refused, and where Patroni comes from', () => {
    const findings = judgePatroni(testView(version('3.0.2')), 'a private folder');
    expect(findings[0]?.what).toContain('loses acknowledged writes');
    expect(findings.at(-1)?.what).toContain('a private folder');
    expect(judgePatroni(testView(), 'a private folder')[0]?.what).toBe('Patroni 4.0.7, a private folder');
  });
});

describe('HAProxy', () => {
  const rows = (...up: readonly string[]) =>
    said(
      ['primary', 'replicas'].flatMap((proxy) =>
        ['pg1', 'pg2', 'pg3'].map((server) => ({
          proxy,
          server,
          status: up.includes(`${proxy}/${server}`) ? 'UP' : 'DOWN',
          currentSessions: 0,
          queued: 0,
        })),
      ),
    );
  const replicas = ['replicas/pg2', 'replicas/pg3'];
  test.each([
    ['agrees', rows('primary/pg1', ...replicas), ['ok haproxy']],
    ['sees two primaries', rows('primary/pg1', 'primary/pg2', ...replicas), ['error haproxy.primary']],
    ['sees another primary', rows('primary/pg2', ...replicas), ['error haproxy.primary']],
    ['sees none', rows(...replicas), ['error haproxy.primary']],
    ['misses a replica', rows('primary/pg1', 'replicas/pg2'), ['warning haproxy.replica.pg3']],
    ['is silent', silence, ['error proxy.haproxy']],
  ])('%s', (_, haproxy, expected) => {
    expect(brief(judgeHaproxy(testView({ haproxy })))).toEqual(expected);
  });

  test('a silent pooler is named', () => {
    const findings = judgeHaproxy(testView({ pooler: silence, haproxy: rows('primary/pg1', ...replicas) }));
    expect(brief(findings)).toEqual(['error proxy.pgbouncer']);
  });
});

describe('replication', () => {
  test.each([
    ['all well', {}, ['ok replication']],
    ['no leader', { keys: said(dcsKeys({ leader: undefined })), patroni: { pg1: mute } }, ['error leader']],
    [
      'a replica that does not stream, on an old timeline',
      { patroni: { pg3: { state: said(patroniState('pg3', { replicationState: undefined, timeline: 2 })) } } },
      ['warning replication.pg3', 'warning timeline.pg3'],
    ],
    [
      'lag',
      {
        patroni: {
          pg1: { state: said(primaryState('pg1', { walBytes: GiB })) },
          pg2: { state: said(patroniState('pg2', { walBytes: GiB })) },
        },
      },
      ['warning lag.pg3'],
    ],
    ['no synchronous standby', { keys: said(dcsKeys({ sync: undefined })) }, ['warning synchronous']],
    ['a pause', { keys: said(dcsKeys({ config: '{"pause":true,"synchronous_mode":true}' })) }, ['warning pause']],
    [
      'a restart that is due',
      { patroni: { pg2: { state: said(patroniState('pg2', { pendingRestart: true })) } } },
      ['info restart.pg2', 'ok replication'],
    ],
  ])('%s', (_, changes, expected) => {
    expect(brief(judgeReplication(testView(changes)))).toEqual(expected);
  });

  const slot: SlotFact = { name: 'pg2', type: 'physical', active: true, keptBytes: 10, walStatus: 'reserved' };
  test.each([
    ['in use', slot, ['ok slots']],
    ['idle and small', { ...slot, active: false }, ['info slots.pg2']],
    ['idle and large', { ...slot, active: false, keptBytes: 2 * GiB }, ['warning slots.pg2']],
    [
      'idle and keeping what the disk has left',
      { ...slot, active: false, keptBytes: 0.6 * GiB },
      ['warning slots.pg2'],
    ],
    ['lost', { ...slot, active: false, walStatus: 'lost' }, ['error slots.pg2']],
  ])('a slot that is %s', (_, given, expected) => {
    expect(brief(judgeSlots([given], ['pg1', 'pg2'], GiB))).toEqual(expected);
  });

  test("a foreign slot's remedy drops it, a member's does not", () => {
    const remedy = (name: string) => judgeSlots([{ ...slot, name, active: false }], ['pg2'], undefined)[0]?.remedy;
    expect(remedy('cdc')).toContain('pg_drop_replication_slot');
    expect(remedy('pg2')).not.toContain('pg_drop_replication_slot');
    expect(brief(judgeSlots(undefined, [], undefined))).toEqual(['info slots']);
  });
});

describe('drift', () => {
  const facts = { configuration: { ttl: 20 }, wanted: { ttl: 20 }, pendingChanges: [], files: [] };
  test.each([
    ['none', facts, ['ok drift']],
    ['a setting changed by hand', { ...facts, configuration: { ttl: 30 } }, ['warning drift.configuration.ttl']],
    ['a setting more than planned', { ...facts, configuration: { ttl: 20, slots: {} } }, ['ok drift']],
    [
      'an edited spec',
      { ...facts, pendingChanges: [{ unit: 'pg1', action: 'restart' as const, because: ['argv'] }] },
      ['info drift.spec.pg1'],
    ],
    ['an edited file', { ...facts, files: [{ path: '/x', problem: 'changed' as const }] }, ['warning drift.file./x']],
    ['a file of others', { ...facts, files: [{ path: '/x', problem: 'unreadable' as const }] }, ['info drift.file./x']],
    ['no plan', { ...facts, wanted: undefined }, ['info drift']],
  ])('%s', (_, given, expected) => {
    expect(brief(judgeDrift(given))).toEqual(expected);
  });
});

describe('processes', () => {
  const unit: UnitStatus = {
    id: 'pg1',
    component: 'patroni',
    state: 'ready',
    pid: 10,
    pids: [10],
    since: '',
    restarts: 0,
    lastEnd: undefined,
    lastOutput: undefined,
    nextStartAt: undefined,
  };
  const facts = { units: [unit], supervisor: { pid: 5, alive: true }, leftovers: [] };
  const leftover = { pid: 99, name: 'postgres', because: 'it was started for pg1' };
  test.each([
    ['all well', facts, ['ok processes']],
    ['the supervisor died', { ...facts, supervisor: { pid: undefined, alive: false } }, ['error supervisor']],
    [
      'the supervisor is silent',
      { ...facts, supervisor: { pid: undefined, alive: undefined } },
      ['warning supervisor'],
    ],
    [
      'one keeps ending',
      { ...facts, units: [{ ...unit, state: 'backoff' as const, restarts: 7 }] },
      ['error unit.pg1'],
    ],
    ['one was restarted', { ...facts, units: [{ ...unit, restarts: 1, lastEnd: 'SIGKILL' }] }, ['info unit.pg1']],
    [
      'one is stopped',
      { ...facts, units: [unit, { ...unit, id: 'pg2', state: 'stopped' as const }] },
      ['warning unit.pg2'],
    ],
    ['all are stopped', { ...facts, units: [{ ...unit, state: 'stopped' as const, pids: [] }] }, ['info units']],
    ['something is left over', { ...facts, leftovers: [leftover] }, ['warning leftover.99']],
    ['nothing runs', { units: [], supervisor: { pid: undefined, alive: false }, leftovers: [] }, ['info units']],
  ])('%s', (_, given, expected) => {
    expect(brief(judgeProcesses(given))).toEqual(expected);
  });
});

test('showBytes', () => {
  expect([0, 1023, 1024, 1536, 5 * GiB].map(showBytes)).toEqual(['0 B', '1023 B', '1 KiB', '1.5 KiB', '5 GiB']);
});
