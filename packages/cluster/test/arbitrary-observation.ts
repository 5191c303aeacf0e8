import type { PatroniState } from '@holdfast/components';
import type { SynchronousMode } from '@holdfast/spec';
import fc from 'fast-check';
import type { Answer, Observation } from '../src/view/observation.js';
import { at, dcsKeys, observation, patroniState, said, silence, testSpec } from './fixtures.js';

const names = ['pg1', 'pg2', 'pg3'];

function maybeSilent<T>(value: fc.Arbitrary<T>): fc.Arbitrary<Answer<T>> {
  return fc.oneof({ weight: 3, arbitrary: value.map(said) }, { weight: 1, arbitrary: fc.constant(silence) });
}

function state(name: string): fc.Arbitrary<PatroniState> {
  return fc
    .record({
      role: fc.constantFrom('primary', 'replica', 'replica', 'demoted', undefined),
      state: fc.constantFrom('running', 'running', 'stopped', 'creating replica'),
      replicationState: fc.constantFrom('streaming', 'streaming', 'streaming', 'in archive recovery', undefined),
      walBytes: fc.option(fc.nat(2_000_000), { nil: undefined }),
      timeline: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
      paused: fc.boolean(),
      pendingRestart: fc.boolean(),
      scope: fc.constantFrom('demo', 'demo', 'demo', 'other'),
      dcsLastSeen: fc.option(fc.integer({ min: at / 1000 - 60, max: at / 1000 }), { nil: undefined }),
    })
    .map((change) => patroniState(name, change));
}

const keys = fc
  .record({
    leader: fc.constantFrom(...names, undefined, ''),
    sync: fc
      .record({ leader: fc.constantFrom(...names), standbys: fc.subarray(names) })
      .map(({ leader, standbys }) => JSON.stringify({ leader, sync_standby: standbys.join(',') })),
    config: fc.constantFrom(
      '{"synchronous_mode":true}',
      '{"synchronous_mode":"quorum","pause":true}',
      '{}',
      'x',
      undefined,
    ),
    status: fc.constantFrom('{"optime":6000}', '{"optime":"70"}', '6000', undefined),
    initialize: fc.constantFrom('7000000000000000001', '', undefined),
  })
  .map(dcsKeys);

const cluster = fc.record({
  scope: fc.constant('demo'),
  paused: fc.boolean(),
  members: fc.tuple(...names.map((name) => member(name))),
});

function member(name: string) {
  return fc.record({
    name: fc.constant(name),
    role: fc.constantFrom('leader', 'sync_standby', 'quorum_standby', 'replica'),
    state: fc.constant('running'),
    host: fc.constant(undefined),
    port: fc.constant(undefined),
    timeline: fc.constant(undefined),
    lagBytes: fc.constant(undefined),
    pendingRestart: fc.boolean(),
    tags: fc.constantFrom({}, { nofailover: true }),
  });
}

/** Anything that a cluster of three may answer, contradictions included. */
export const anyObservation: fc.Arbitrary<{ readonly mode: SynchronousMode; readonly observed: Observation }> = fc
  .record({
    mode: fc.constantFrom<SynchronousMode[]>('off', 'on', 'strict', 'quorum'),
    states: fc.tuple(...names.map((name) => maybeSilent(state(name)))),
    clusters: fc.tuple(...names.map(() => maybeSilent(cluster))),
    keys: fc.tuple(...names.map(() => maybeSilent(keys))),
  })
  .map(({ mode, states, clusters, keys: read }) => {
    const given = observation(testSpec(mode));
    return {
      mode,
      observed: {
        ...given,
        patroni: given.patroni.map((entry, index) => ({
          ...entry,
          state: states[index] ?? silence,
          cluster: clusters[index] ?? silence,
        })),
        etcd: given.etcd.map((entry, index) => ({ ...entry, keys: read[index] ?? silence })),
      },
    };
  });
