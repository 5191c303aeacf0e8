import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planFailover } from '../src/operations/failover.js';
import { planSwitchover } from '../src/operations/switchover.js';
import { buildView } from '../src/view/build-view.js';
import { statusReport } from '../src/view/status.js';
import { anyObservation } from './arbitrary-observation.js';
import { testSpec } from './fixtures.js';

const anyView = anyObservation.map(({ mode, observed }) => buildView(testSpec(mode), observed));
const facts = {
  stateDirectory: '/srv/demo',
  postmasters: new Map([['pg1', 4711]]),
  supervisor: { pid: undefined, alive: undefined },
  patroniOrigin: undefined,
};

function decide<T>(plan: () => T): T | undefined {
  try {
    return plan();
  } catch {
    return undefined;
  }
}

test('there are never two primaries, and the primary is the leader', () => {
  fc.assert(
    fc.property(anyView, (view) => {
      const primaries = view.members.filter(({ role }) => role === 'primary').map(({ name }) => name);
      expect(primaries.length).toBeLessThanOrEqual(1);
      if (primaries.length === 1) expect(view.leader).toBe(primaries[0]);
      expect(view.synchronousStandbys).not.toContain(view.leader);
    }),
    { numRuns: 1000 },
  );
});

test('lag is never negative, and what did not answer is never said to stream', () => {
  fc.assert(
    fc.property(anyView, (view) => {
      for (const member of view.members) {
        if (member.lagBytes !== undefined) expect(member.lagBytes).toBeGreaterThanOrEqual(0);
        if (member.state === 'unreachable') expect(member.lagBytes).toBeUndefined();
      }
    }),
  );
});

/** Key names at every level; list elements share theirs. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])];
  if (typeof value !== 'object' || value === null) return 'value';
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]));
}

const documentedShape = {
  cluster: 'value',
  runtime: 'value',
  health: 'value',
  leader: 'value',
  timeline: 'value',
  synchronous: { mode: 'value' },
  paused: 'value',
  members: [
    {
      name: 'value',
      role: 'value',
      state: 'value',
      timeline: 'value',
      lagBytes: 'value',
      pendingRestart: 'value',
      host: 'value',
      port: 'value',
      patroniUrl: 'value',
      dataDir: 'value',
      pids: { patroni: 'value', postgres: 'value', agent: 'value' },
    },
  ],
  etcd: [{ name: 'value', healthy: 'value', isLeader: 'value', clientUrl: 'value', pid: 'value' }],
  endpoints: { readWrite: 'value', readOnly: 'value', pooler: 'value', api: 'value', haproxyStats: 'value' },
  patroni: { version: 'value', origin: 'value' },
  postgres: { version: 'value' },
  supervisor: { pid: 'value', alive: 'value' },
};

test('a status report survives JSON and has the documented keys and no others', () => {
  fc.assert(
    fc.property(anyView, (view) => {
      const report = statusReport(view, facts);
      const read: Record<string, unknown> = JSON.parse(JSON.stringify(report));
      expect(read).toEqual(report);
      const { reasons, proxies, services, warnings, unknown, synchronous, ...rest } = read;
      for (const list of [reasons, proxies, services, warnings, unknown]) expect(Array.isArray(list)).toBe(true);
      const { standbys, ...mode } = synchronous as Record<string, unknown>;
      expect(Array.isArray(standbys)).toBe(true);
      expect(shape({ ...rest, synchronous: mode })).toEqual(documentedShape);
    }),
  );
});

test('a switchover in a synchronous mode goes to a synchronous standby or nowhere', () => {
  let decided = 0;
  fc.assert(
    fc.property(anyView, fc.constantFrom('pg1', 'pg2', 'pg3', undefined), (view, to) => {
      const plan = decide(() => planSwitchover(view, { to }));
      if (!plan) return;
      decided += 1;
      const candidate = view.members.find(({ name }) => name === plan.candidate);
      expect(plan.leader).toBe(view.leader);
      expect(plan.candidate).not.toBe(view.leader);
      if (to !== undefined) expect(plan.candidate).toBe(to);
      expect(candidate?.state).toBe('streaming');
      expect(candidate?.lagBytes).toBeLessThanOrEqual(view.spec.patroni.maximumLagOnFailover);
      expect(candidate?.tags.nofailover).not.toBe(true);
      if (view.spec.synchronous.mode !== 'off') expect(view.synchronousStandbys).toContain(plan.candidate);
    }),
    { numRuns: 1500 },
  );
  expect(decided).toBeGreaterThan(5);
});

test('a failover without leave to lose data promotes only who has everything', () => {
  let decided = 0;
  fc.assert(
    fc.property(anyView, fc.constantFrom('pg1', 'pg2', 'pg3', undefined), (view, to) => {
      const plan = decide(() => planFailover(view, { to }));
      if (!plan) return;
      decided += 1;
      const { mode } = view.spec.synchronous;
      const acknowledges = (mode === 'on' || mode === 'strict') && view.synchronousStandbys.includes(plan.candidate);
      const primary = view.members.find(({ role }) => role === 'primary');
      const candidate = view.members.find(({ name }) => name === plan.candidate);
      const level = primary?.state !== 'unreachable' && primary !== undefined && candidate?.lagBytes === 0;
      expect(acknowledges || level).toBe(true);
      expect(candidate?.state).not.toBe('unreachable');
    }),
    { numRuns: 1500 },
  );
  expect(decided).toBeGreaterThan(5);
});
