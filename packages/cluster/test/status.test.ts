import { describe, expect, test } from 'vitest';
import { judgeHealth, statusReport } from '../src/view/status.js';
import { dcsKeys, mute, muteEtcd, said, silence, testView } from './fixtures.js';

describe('statusReport', () => {
  test('says what is known and null for what is not', () => {
    const units = said([
      {
        id: 'pg1',
        component: 'patroni',
        state: 'ready' as const,
        pid: 100,
        pids: [100, 200],
        since: '2024-01-01T00:00:00Z',
        restarts: 0,
        lastEnd: undefined,
        lastOutput: undefined,
        nextStartAt: undefined,
      },
    ]);
    const report = statusReport(testView({ units, patroni: { pg3: mute } }), {
      stateDirectory: '/srv/demo',
      postmasters: new Map([['pg1', 200]]),
      supervisor: { pid: 50, alive: true },
      patroniOrigin: 'Debian package',
    });
    expect(report.members[0]).toMatchObject({
      name: 'pg1',
      role: 'primary',
      dataDir: '/srv/demo/data/pg1/pgdata',
      pids: { patroni: 100, postgres: 200, agent: null },
    });
    expect(report.members[2]).toMatchObject({
      timeline: null,
      lagBytes: null,
      pids: { patroni: null, postgres: null, agent: null },
    });
    expect(report.endpoints).toEqual({
      api: 'http://127.0.0.1:8000',
      readWrite: 'postgresql://postgres@127.0.0.1:5000/postgres',
      readOnly: 'postgresql://postgres@127.0.0.1:5001/postgres',
      pooler: 'postgresql://postgres@127.0.0.1:6543/postgres',
      haproxyStats: 'http://127.0.0.1:7000/',
    });
    expect(report).toMatchObject({
      cluster: 'demo',
      leader: 'pg1',
      synchronous: { mode: 'on', standbys: ['pg2'] },
      patroni: { version: '4.0.7', origin: 'Debian package' },
      postgres: { version: '15.20' },
      supervisor: { pid: 50, alive: true },
      health: 'degraded',
    });
  });
});

describe('judgeHealth', () => {
  test('nothing wrong', () => {
    expect(judgeHealth(testView())).toEqual({ level: 'healthy', reasons: [] });
    expect(judgeHealth(testView(), false)).toEqual({ level: 'healthy', reasons: [] });
  });

  test('a paused pooler', () => {
    const reasons = ['the pooler is paused, its clients wait'];
    expect(judgeHealth(testView(), true)).toEqual({ level: 'degraded', reasons });
  });

  test.each([
    [42, 'ready', []],
    [undefined, 'backoff', ['net is backoff: requests from SQL wait in their queue']],
  ] as const)('the worker for requests with pid %s', (pid, state, reasons) => {
    const rest = {
      pids: [],
      since: '',
      restarts: 0,
      lastEnd: undefined,
      lastOutput: undefined,
      nextStartAt: undefined,
    };
    const units = said([{ id: 'net', component: 'net', state, pid, ...rest }]);
    expect(judgeHealth(testView({ units })).reasons).toEqual(reasons);
  });

  const down = said([{ proxy: 'primary', server: 'pg1', status: 'DOWN', currentSessions: 0, queued: 0 }]);
  test.each([
    ['no leader', { keys: said(dcsKeys({ leader: undefined })) }, 'down', 'no member is the primary'],
    ['no HAProxy', { haproxy: silence }, 'down', 'haproxy does not answer'],
    ['no primary behind HAProxy', { haproxy: down }, 'down', 'HAProxy has no primary to send clients to'],
    ['a silent primary', { patroni: { pg1: mute } }, 'degraded', 'the primary pg1 does not answer'],
    ['a silent replica', { patroni: { pg3: mute } }, 'degraded', 'pg3 is unreachable'],
    ['no pooler', { pooler: silence }, 'degraded', 'pgbouncer does not answer'],
    ['one etcd less', { etcd: { etcd3: muteEtcd } }, 'degraded', 'etcd3 is not healthy'],
    [
      'two etcd less',
      { etcd: { etcd3: muteEtcd, etcd2: muteEtcd } },
      'degraded',
      'etcd has no quorum (1 of 3 healthy): nothing can fail over',
    ],
    ['no synchronous standby', { keys: said(dcsKeys({ sync: '{}' })) }, 'degraded', 'there is no synchronous standby'],
    [
      'a pause',
      { keys: said(dcsKeys({ config: '{"pause":true,"synchronous_mode":true}' })) },
      'degraded',
      'automatic failover is paused',
    ],
  ] as const)('%s', (_, changes, level, reason) => {
    const health = judgeHealth(testView(changes));
    expect(health.level).toBe(level);
    expect(health.reasons).toContain(reason);
  });
});
