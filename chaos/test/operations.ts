import type { Operation } from '../src/history/operations.js';
import type { Outcome, PortKind, WorkloadName } from '../src/history/records.js';

export interface GivenOperation {
  readonly process?: number;
  readonly action: string;
  readonly value?: unknown;
  readonly result?: unknown;
  readonly outcome?: Outcome;
  /** Microseconds; default: one after the other. */
  readonly time?: readonly [number, number];
  readonly port?: PortKind;
  readonly server?: readonly [string, number];
}

/** Operations in the order of invocation; those without a time follow each other with no overlap. */
export function operationsOf(workload: WorkloadName, given: readonly GivenOperation[]): readonly Operation[] {
  return given
    .map((each, place) => ({ ...each, time: each.time ?? ([place * 10, place * 10 + 5] as const) }))
    .sort((left, right) => left.time[0] - right.time[0])
    .map(({ process = 0, action, value = null, result, outcome = 'ok', time, port = 'rw', server }, index) => ({
      index,
      workload,
      process,
      action,
      port,
      value,
      result: outcome === 'ok' ? (result ?? value) : undefined,
      outcome,
      invoked: time[0],
      completed: time[1],
      ...(server === undefined ? {} : { server: { member: server[0], timeline: server[1] } }),
    }));
}
