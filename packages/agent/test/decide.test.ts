import { describe, expect, test } from 'vitest';
import { decide, suspicion } from '../src/decide.js';
import { exampleDcs, exampleSender, exampleSight, exampleView, type ViewChange } from './example-view.js';

const silentPrimary = {
  pg1: exampleSight('pg1', { silent: 500 }),
  pg2: exampleSight('pg2', {}, { silent: ['pg1'], suspects: 'pg1' }),
  pg3: exampleSight('pg3', {}, { silent: ['pg1'], suspects: 'pg1' }),
};
const deadPrimary = { ...silentPrimary, pg1: exampleSight('pg1', { silent: 200, refusing: 100 }) };

function without<Value>(record: Readonly<Record<string, Value>>, name: string): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));
}

const seen = (me: string, others: typeof silentPrimary, change: ViewChange = {}) =>
  exampleView(me, { ...change, others: without(others, me) });
const kinds = (view: ReturnType<typeof exampleView>) => decide(view).map(({ kind }) => kind);

test('while all is well nothing is done', () => {
  for (const me of ['pg1', 'pg2', 'pg3']) expect(decide(exampleView(me))).toEqual([]);
});

test('before etcd was read, and in a paused cluster, nothing is done', () => {
  expect(decide(seen('pg2', silentPrimary, { dcs: undefined }))).toEqual([]);
  expect(decide(seen('pg2', silentPrimary, { dcs: exampleDcs({ paused: true }) }))).toEqual([]);
  expect(suspicion(seen('pg2', silentPrimary, { dcs: exampleDcs({ paused: true }) }))).toBeUndefined();
  const deposed = { own: { deposed: 60_000 }, dcs: exampleDcs({ leader: 'pg2', paused: true }) };
  expect(decide(exampleView('pg1', deposed))).toEqual([]);
});

describe('sealing', () => {
  test('the candidate takes the lock of a silent holder at once, another one only when it does not', () => {
    expect(decide(seen('pg2', silentPrimary))).toMatchObject([{ kind: 'seal', from: 'pg1', to: 'pg2' }]);
    expect(kinds(seen('pg3', silentPrimary))).toEqual([]);
    const late = (mode: 'on' | 'strict', suspected: number) =>
      kinds(seen('pg3', silentPrimary, { settings: { mode }, memory: { suspected } }));
    for (const mode of ['on', 'strict'] as const) {
      expect(late(mode, 849)).toEqual([]);
      expect(late(mode, 850)).toEqual(['seal']);
    }
  });

  test('the transaction is guarded by the lock, /sync and the candidate, and names the leader before /sync', () => {
    const [action] = decide(seen('pg2', silentPrimary));
    if (action?.kind !== 'seal') throw new Error('no seal');
    const key = (name: string) => `/service/demo/${name}`;
    expect(action.handover).toEqual({
      lease: 'lease-pg1',
      transaction: {
        compare: [
          { key: key('leader'), modRevision: '6' },
          { key: key('leader'), value: 'pg1' },
          { key: key('sync'), modRevision: '5' },
          { key: key('members/pg2'), lease: 'lease-pg2' },
        ],
        success: [
          { put: key('leader'), value: 'pg2', lease: 'lease-pg2' },
          { put: key('sync'), value: '{"leader":"pg1","sync_standby":"pg2"}' },
          { delete: key('members/pg1') },
        ],
      },
    });
  });

  test('a dead holder needs one witness only; its own agent hands its lock over if the candidate does not', () => {
    expect(kinds(seen('pg2', deadPrimary))).toEqual(['seal']);
    const crashed = (mode: 'on' | 'strict', suspected: number) =>
      decide(
        exampleView('pg1', { settings: { mode }, own: { postgres: 'crashed', senders: [] }, memory: { suspected } }),
      );
    for (const mode of ['on', 'strict'] as const) {
      expect(crashed(mode, 849)).toEqual([]);
      expect(crashed(mode, 850)).toMatchObject([{ kind: 'seal', from: 'pg1', to: 'pg2' }]);
    }
  });

  test.each(['on', 'strict'] as const)('mode %s: only a standby that /sync lists, of this very holder', (mode) => {
    const view = (dcs: ReturnType<typeof exampleDcs>, memory = {}) =>
      decide(seen('pg3', silentPrimary, { settings: { mode }, dcs, memory: { suspected: 60_000, ...memory } }));
    expect(view(exampleDcs({ sync: { leader: 'pg1', standbys: [] } }))).toEqual([]);
    expect(view(exampleDcs({ sync: { leader: 'pg2', standbys: ['pg3'] } }))).toEqual([]);
    expect(view(exampleDcs({ sync: { leader: 'pg1', standbys: ['pg9'] } }))).toEqual([]);
    expect(view(exampleDcs({ sync: { leader: 'pg1', standbys: ['pg3'] }, members: ['pg1', 'pg2'] }))).toEqual([]);
    expect(view(exampleDcs({ sync: { leader: 'pg1', standbys: ['pg3'] } }))).toMatchObject([{ to: 'pg3' }]);
  });

  test('of two listed standbys the one that has more; of equals the first', () => {
    const dcs = exampleDcs({ sync: { leader: 'pg1', standbys: ['pg2', 'pg3'] } });
    const memory = { suspected: 60_000 };
    const ahead = seen('pg2', silentPrimary, { dcs, memory, own: { position: 900 } });
    expect(decide(ahead)).toMatchObject([{ to: 'pg3' }]);
    expect(decide(seen('pg2', silentPrimary, { dcs, memory }))).toMatchObject([{ to: 'pg2' }]);
    expect(decide(seen('pg3', silentPrimary, { dcs, memory }))).toMatchObject([{ to: 'pg2' }]);
  });

  test('not to who cannot take over now', () => {
    const own = (change: ViewChange['own']) => kinds(seen('pg2', silentPrimary, { own: change ?? {} }));
    expect(own({ patroni: false })).toEqual([]);
    expect(own({ postgres: 'crashed' })).toEqual([]);
    expect(own({ postgres: 'unknown' })).toEqual([]);
    const tagged = exampleDcs({ tags: { pg2: { nofailover: true } } });
    expect(kinds(seen('pg2', silentPrimary, { dcs: tagged }))).toEqual([]);
    const stale = exampleSight('pg2', {}, { silent: ['pg1'] });
    const pg2 = { ...stale, report: stale.report && { ...stale.report, age: 400 } };
    expect(kinds(seen('pg3', { ...silentPrimary, pg2 }, { memory: { suspected: 60_000 } }))).toEqual([]);
  });

  test('no second attempt before the first is over', () => {
    expect(kinds(seen('pg2', silentPrimary, { memory: { sinceSeal: 299 } }))).toEqual([]);
    expect(kinds(seen('pg2', silentPrimary, { memory: { sinceSeal: 300 } }))).toEqual(['seal']);
  });

  test('a switchover is left to Patroni while its leader may be alive', () => {
    const dcs = exampleDcs({ failover: true });
    expect(kinds(seen('pg2', silentPrimary, { dcs }))).toEqual([]);
    expect(kinds(seen('pg2', deadPrimary, { dcs }))).toEqual(['seal']);
  });

  test('nobody without a holder', () => {
    expect(kinds(seen('pg2', silentPrimary, { dcs: exampleDcs({ leader: undefined }) }))).toEqual([]);
  });
});

describe('catching up before sealing', () => {
  /** What pg2, the candidate with 1000 bytes, does when pg3 says so much. */
  const against = (said: Parameters<typeof exampleSight>[2], change: ViewChange = {}) =>
    decide(
      seen('pg2', { ...silentPrimary, pg3: exampleSight('pg3', {}, { suspects: 'pg1', ...said }) }, oneSilent(change)),
    );
  const oneSilent = (change: ViewChange): ViewChange => ({ ...change, own: { position: 1000, ...change.own } });
  /** pg3 must be a witness of the silence too. */
  const ahead = { silent: ['pg1'], position: 1300 };

  test.each(['on', 'strict'] as const)('mode %s: from the standby that has more, and only then', (mode) => {
    const change = { settings: { mode } };
    expect(against(ahead, change)).toMatchObject([{ kind: 'catch-up', from: 'pg3', position: 1300 }]);
    expect(against({ ...ahead, position: 1000 }, change)).toMatchObject([{ kind: 'seal', to: 'pg2' }]);
    expect(against({ ...ahead, position: 900 }, change)).toMatchObject([{ kind: 'seal', to: 'pg2' }]);
  });

  test('once both positions are from after the suspicion; for that it waits 100 ms', () => {
    const old = { ...ahead, suspects: undefined };
    expect(against(old, { memory: { suspected: 99 } })).toEqual([]);
    expect(against(old, { memory: { suspected: 100 } })).toMatchObject([{ kind: 'seal' }]);
    expect(against(ahead, { own: { positionIsNew: false }, memory: { suspected: 99 } })).toEqual([]);
    expect(against({ ...ahead, suspects: 'pg3' }, { memory: { suspected: 99 } })).toEqual([]);
  });

  test('it asks nobody who is no standby of the same server on the same timeline, or is not heard', () => {
    expect(against({ ...ahead, postgres: 'stopped' })).toMatchObject([{ kind: 'seal' }]);
    expect(against({ ...ahead, stream: 'pg1/6' })).toMatchObject([{ kind: 'seal' }]);
    expect(against({ ...ahead, stream: undefined }, { own: { stream: undefined } })).toMatchObject([{ kind: 'seal' }]);
    const dead = { ...deadPrimary, pg3: exampleSight('pg3', { report: undefined }) };
    expect(kinds(seen('pg2', dead))).toEqual(['seal']);
    expect(
      kinds(exampleView('pg2', { settings: { members: ['pg1', 'pg2'] }, others: { pg1: deadPrimary.pg1 } })),
    ).toEqual(['seal']);
  });

  test('it is over when it is over, or after 700 ms', () => {
    const own = { stream: 'pg3/7' };
    expect(against(ahead, { own, memory: { catchUp: 'running', suspected: 699 } })).toEqual([]);
    expect(against(ahead, { memory: { catchUp: 'running', suspected: 700 } })).toMatchObject([{ kind: 'seal' }]);
    expect(against(ahead, { memory: { catchUp: 'over' } })).toMatchObject([{ kind: 'seal' }]);
  });

  test('of two listed standbys the one that has more is sealed, and need not catch up', () => {
    const dcs = exampleDcs({ sync: { leader: 'pg1', standbys: ['pg2', 'pg3'] } });
    expect(against(ahead, { dcs })).toEqual([]);
    const pg3 = seen('pg3', silentPrimary, { dcs, own: { position: 1300 } });
    expect(decide(pg3)).toMatchObject([{ kind: 'seal', to: 'pg3' }]);
  });
});

describe('quorum and asynchronous mode', () => {
  const after = (mode: 'quorum' | 'off', suspected: number, me = 'pg2') =>
    kinds(seen(me, deadPrimary, { settings: { mode }, memory: { suspected } }));

  test('never on silence', () => {
    for (const mode of ['quorum', 'off'] as const) {
      const view = seen('pg2', silentPrimary, { settings: { mode }, memory: { suspected: 3_600_000 } });
      expect(decide(view)).toEqual([]);
    }
  });

  test('a holder that is gone as a whole is released, by one after the other, in asynchronous mode after a while', () => {
    expect(after('quorum', 0)).toEqual(['release']);
    expect(after('quorum', 149, 'pg3')).toEqual([]);
    expect(after('quorum', 150, 'pg3')).toEqual(['release']);
    expect(after('off', 1999)).toEqual([]);
    expect(after('off', 2000)).toEqual(['release']);
  });

  test('a PostgreSQL that crashed is left to its own Patroni', () => {
    const crashed = { pg1: exampleSight('pg1', {}, { postgres: 'crashed' }) };
    const view = exampleView('pg2', { settings: { mode: 'quorum' }, others: crashed, memory: { suspected: 60_000 } });
    expect(decide(view)).toEqual([]);
    expect(decide(exampleView('pg1', { settings: { mode: 'off' }, own: { postgres: 'crashed' } }))).toEqual([]);
  });
});

describe('WAL senders', () => {
  const silent = { pg2: exampleSight('pg2', { silent: 500 }) };

  test('that of a silent synchronous standby is ended once', () => {
    const [action] = decide(exampleView('pg1', { others: silent }));
    expect(action).toMatchObject({ kind: 'end-wal-sender', standby: 'pg2', pid: 102 });
    expect(kinds(exampleView('pg1', { others: silent, memory: { endedSenders: new Set([102]) } }))).toEqual([]);
  });

  test('that of one that has not replied for long as well', () => {
    const senders = (replyAge: number) => [exampleSender('pg2', { replyAge }), exampleSender('pg3')];
    expect(kinds(exampleView('pg1', { own: { senders: senders(5000) } }))).toEqual([]);
    expect(kinds(exampleView('pg1', { own: { senders: senders(5001) } }))).toEqual(['end-wal-sender']);
  });

  test('not of one that nobody waits for, nor by who does not lead', () => {
    expect(kinds(exampleView('pg1', { others: { pg3: exampleSight('pg3', { silent: 500 }) } }))).toEqual([]);
    expect(kinds(exampleView('pg1', { others: silent, dcs: exampleDcs({ leader: 'pg3' }) }))).toEqual([]);
  });

  test('not in strict mode when there is nobody else to wait for', () => {
    const both = { ...silent, pg3: exampleSight('pg3', { silent: 500 }) };
    expect(kinds(exampleView('pg1', { others: both }))).toEqual([]);
    expect(kinds(exampleView('pg1', { others: both, settings: { mode: 'on' } }))).toEqual(['end-wal-sender']);
  });
});

describe('waking Patroni', () => {
  test('when a listed standby is gone, or one streams and none is listed', () => {
    expect(kinds(exampleView('pg1', { own: { senders: [exampleSender('pg3')] } }))).toEqual(['wake-patroni']);
    const alone = exampleDcs({ sync: { leader: 'pg1', standbys: [] } });
    expect(kinds(exampleView('pg1', { dcs: alone }))).toEqual(['wake-patroni']);
    expect(kinds(exampleView('pg1', { dcs: alone, memory: { sinceWake: 249 } }))).toEqual([]);
    expect(kinds(exampleView('pg1', { dcs: alone, own: { senders: [] } }))).toEqual([]);
    expect(kinds(exampleView('pg1', { dcs: alone, own: { patroni: false } }))).toEqual([]);
    expect(kinds(exampleView('pg1', { dcs: alone, settings: { mode: 'off' } }))).toEqual([]);
  });

  test('when it was handed the lock and has not taken /sync over', () => {
    const dcs = exampleDcs({ leader: 'pg2', sync: { leader: 'pg1', standbys: ['pg2'] } });
    const view = (leading: number, sync = dcs) => kinds(exampleView('pg2', { dcs: sync, memory: { leading } }));
    expect(view(49)).toEqual([]);
    expect(view(50)).toEqual(['wake-patroni']);
    expect(view(50, exampleDcs({ leader: 'pg2', sync: { leader: 'pg2', standbys: [] } }))).toEqual([]);
  });
});

describe('fencing', () => {
  const fenced = (change: ViewChange) => kinds(exampleView('pg1', { ...change, own: { senders: [], ...change.own } }));

  test('a primary that has no proof for long', () => {
    expect(fenced({ own: { proof: 4999 } })).toEqual([]);
    expect(fenced({ own: { proof: 5000 } })).toEqual(['fence']);
    expect(fenced({ own: { proof: 60_000 }, settings: { fence: undefined } })).toEqual([]);
    expect(fenced({ own: { proof: 60_000, postgres: 'standby' } })).toEqual([]);
  });

  test('a primary that was deposed and goes on', () => {
    const dcs = exampleDcs({ leader: 'pg2' });
    expect(fenced({ dcs, own: { deposed: 1499 } })).toEqual([]);
    expect(fenced({ dcs, own: { deposed: 1500 } })).toEqual(['fence']);
    expect(fenced({ dcs, own: { deposed: 60_000 }, memory: { sinceFence: 1499 } })).toEqual([]);
  });

  test('never because the others are silent, nor before there was any proof', () => {
    const silent = { pg2: exampleSight('pg2', { silent: 60_000 }), pg3: exampleSight('pg3', { silent: 60_000 }) };
    expect(fenced({ others: silent, own: { proof: 40 } })).toEqual([]);
    expect(fenced({ own: { proof: undefined } })).toEqual([]);
  });
});

test('etcd is led from elsewhere once a primary is at rest', () => {
  const here = { ...exampleDcs(), etcdLeaderMisplaced: true };
  const view = (leading: number, sinceMove?: number) =>
    kinds(exampleView('pg1', { dcs: here, memory: { leading, sinceMove } }));
  expect(view(1999)).toEqual([]);
  expect(view(2000)).toEqual(['move-etcd-leader']);
  expect(view(2000, 1999)).toEqual([]);
  expect(view(2000, 2000)).toEqual(['move-etcd-leader']);
  expect(kinds(exampleView('pg1', { dcs: here, own: { proof: 400 } }))).toEqual([]);
});
