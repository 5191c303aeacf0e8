import type { Operation } from '../history/operations.js';

/** `unknown`: nothing wrong was found, and not everything could be looked at. */
export type Validity = boolean | 'unknown';

/** What the checkers say of one history. Plain data: it survives JSON. */
export interface Verdict {
  readonly valid: Validity;
  readonly checks: readonly Check[];
}

/** One promise and whether it was kept. */
export interface Check {
  /** `set: lost`: the workload, and what must not be there. */
  readonly name: string;
  /** The promise in a sentence. */
  readonly promise: string;
  readonly valid: Validity;
  readonly counts: Readonly<Record<string, number>>;
  /** How many anomalies there are; `anomalies` holds the first ones. */
  readonly anomalyCount: number;
  readonly anomalies: readonly Anomaly[];
  /** Why it is unknown, or what the reader should know. */
  readonly note?: string;
}

export interface Anomaly {
  /** `lost`, `duplicate`, `stale read`, `G1c`, … */
  readonly name: string;
  /** What happened, in a sentence. */
  readonly message: string;
  readonly witnesses: readonly Witness[];
}

/** An operation that shows the anomaly. */
export interface Witness {
  readonly operation: WitnessedOperation;
  /** What this operation has to do with it; in a cycle, why it comes before the next one. */
  readonly note?: string;
  /** In a cycle: the kind of the edge to the next witness (from the last to the first): `ww`, `wr`, `rw`, `rt`. */
  readonly edge?: string;
}

/** An operation as far as a person must see it; long values are cut. */
export interface WitnessedOperation {
  readonly index: number;
  readonly process: number;
  readonly workload: string;
  readonly action: string;
  readonly outcome: string;
  /** Microseconds. */
  readonly invoked: number;
  /** Microseconds; null: never. */
  readonly completed: number | null;
  readonly port: string;
  readonly value: string;
  readonly server?: string;
  readonly error?: string;
}

/** How many anomalies of a check are shown. */
const mostShown = 10;
const longestValue = 200;

/** Gathers the anomalies of one check. */
export interface CheckBuilder {
  readonly counts: Record<string, number>;
  /** Adds an anomaly; its witnesses are made only when it will be shown. */
  found(name: string, message: string, witnesses: () => readonly Witness[]): void;
  /** Says that not everything could be looked at, and why. */
  unknown(note: string): void;
  build(): Check;
}

export function checkBuilder(name: string, promise: string): CheckBuilder {
  const counts: Record<string, number> = {};
  const anomalies: Anomaly[] = [];
  let anomalyCount = 0;
  let note: string | undefined;
  return {
    counts,
    found(anomaly, message, witnesses) {
      anomalyCount++;
      if (anomalies.length < mostShown) anomalies.push({ name: anomaly, message, witnesses: witnesses() });
    },
    unknown(reason) {
      note ??= reason;
    },
    build: () => ({
      name,
      promise,
      valid: anomalyCount > 0 ? false : note === undefined ? true : 'unknown',
      counts,
      anomalyCount,
      anomalies,
      ...(note === undefined ? {} : { note }),
    }),
  };
}

/** False if any check is, else unknown if any is, else true. */
export function verdictOf(checks: readonly Check[]): Verdict {
  const worst = checks.some(({ valid }) => valid === false)
    ? false
    : checks.some(({ valid }) => valid === 'unknown')
      ? 'unknown'
      : true;
  return { valid: worst, checks };
}

export function witness(operation: Operation, note?: string, edge?: string): Witness {
  return {
    operation: witnessed(operation),
    ...(note === undefined ? {} : { note }),
    ...(edge === undefined ? {} : { edge }),
  };
}

function witnessed(operation: Operation): WitnessedOperation {
  const { server, error } = operation;
  return {
    index: operation.index,
    process: operation.process,
    workload: operation.workload,
    action: operation.action,
    outcome: operation.outcome,
    invoked: operation.invoked,
    completed: Number.isFinite(operation.completed) ? operation.completed : null,
    port: operation.port,
    value: shortened(operation.result ?? operation.value),
    ...(server === undefined
      ? {}
      : { server: `${server.member}${server.timeline === undefined ? '' : ` timeline ${server.timeline}`}` }),
    ...(error === undefined ? {} : { error: `${error.code} ${error.message}` }),
  };
}

function shortened(value: unknown): string {
  const text = JSON.stringify(value) ?? '';
  return text.length <= longestValue ? text : `${text.slice(0, longestValue)}… (${text.length} characters)`;
}

/** The last successful final read on the read-write port: what is there after everything. */
export function lastFinalRead(operations: readonly Operation[]): Operation | undefined {
  return operations.findLast(
    ({ action, outcome, port }) => action === 'final-read' && outcome === 'ok' && port === 'rw',
  );
}
