/**
 * The history of a run: newline-delimited JSON. The first line is the header; every other line is a record. `type` says which.
 *
 * Times are whole microseconds of one monotonic clock, counted from the header's `startedAt`. Every operation is two records of one process:
 * `invoke`, written before its first byte is sent, and then one of
 *  - `ok`: acknowledged, with what it saw;
 *  - `fail`: certainly not done;
 *  - `info`: unknown; it may be done, not done, or be done later.
 * A process (client) has at most one operation under way. An `invoke` with nothing after it means the same as `info`.
 */
export type HistoryRecord = HeaderRecord | InvokeRecord | CompletionRecord | EventRecord;

export const workloadNames = ['set', 'append', 'bank', 'register'] as const;
export type WorkloadName = (typeof workloadNames)[number];

export const isolationLevels = ['serializable', 'repeatable read', 'read committed'] as const;
export type IsolationLevel = (typeof isolationLevels)[number];

/** Which port a client used: `rw` read-write, `ro` read-only. */
export type PortKind = 'rw' | 'ro';

export const historyFormat = 'holdfast-history';
export const historyVersion = 1;

export interface WorkloadDescription {
  readonly name: WorkloadName;
  readonly isolation: IsolationLevel;
  readonly clients: number;
  /** Most operations a second that one client attempts. */
  readonly rate: number;
  /** What its checker must know: the bank's accounts and balances. */
  readonly options?: Readonly<Record<string, number | boolean>>;
}

export interface HeaderRecord {
  readonly type: 'header';
  readonly format: typeof historyFormat;
  readonly version: typeof historyVersion;
  /** The wall clock at time 0, ISO 8601. */
  readonly startedAt: string;
  readonly seed: string;
  readonly cluster?: string;
  /** The spec's synchronous mode: what is promised to acknowledged writes. */
  readonly synchronousMode?: string;
  /** `host:port` of each PostgreSQL to its member's name, so that a report can name it. */
  readonly members?: Readonly<Record<string, string>>;
  readonly workloads: readonly WorkloadDescription[];
}

/** The PostgreSQL that answered, as it said itself when the connection was opened. */
export interface ServerIdentity {
  /** inet_server_addr():inet_server_port(), which no proxy changes. */
  readonly member: string;
  /** Absent while it is in recovery: a replica writes on no timeline. */
  readonly timeline?: number;
}

export interface OperationError {
  /** SQLSTATE, or Node's code (`ECONNRESET`), or one of ours (`silent`, `mismatch`, `insufficient`). */
  readonly code: string;
  readonly message: string;
}

interface OperationRecord {
  /** Microseconds since the start. */
  readonly time: number;
  readonly process: number;
  readonly workload: WorkloadName;
  readonly action: string;
  /** The workload's own: what was asked for, and in `ok` what was seen. */
  readonly value?: unknown;
}

export interface InvokeRecord extends OperationRecord {
  readonly type: 'invoke';
  readonly port: PortKind;
}

export type Outcome = 'ok' | 'fail' | 'info';

export interface CompletionRecord extends OperationRecord {
  readonly type: Outcome;
  readonly server?: ServerIdentity;
  readonly error?: OperationError;
}

/** What happened to the cluster and not in it: a fault, a change of the route, of the primary, or anything worth a mark. */
export interface EventRecord {
  readonly type: 'event';
  /** Microseconds since the start. */
  readonly time: number;
  readonly event: 'fault' | 'route' | 'primary' | 'note';
  /** `begin` and `end` are the two ends of one `name` and `id`; `at` is a moment. */
  readonly phase: 'begin' | 'end' | 'at';
  readonly name: string;
  /** Tells two faults of one name apart. */
  readonly id?: number;
  readonly targets?: readonly string[];
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What a recorder adds by itself is left out. */
export type Unrecorded<Kind> = Omit<Kind, 'time'>;

/** A parsed line as a record; answers what is wrong with it instead. */
export function judgeRecord(value: unknown): HistoryRecord | string {
  if (typeof value !== 'object' || value === null) return 'is not an object';
  const record = value as Partial<Record<string, unknown>>;
  if (record.type === 'header') return judgeHeader(record) ?? (value as HeaderRecord);
  if (!Number.isSafeInteger(record.time)) return '`time` is not a whole number of microseconds';
  switch (record.type) {
    case 'event':
      if (typeof record.name !== 'string') return 'an event without `name`';
      if (!['begin', 'end', 'at'].includes(String(record.phase))) return '`phase` is not begin, end or at';
      return value as EventRecord;
    case 'invoke':
    case 'ok':
    case 'fail':
    case 'info':
      if (!Number.isSafeInteger(record.process)) return '`process` is not a whole number';
      if (typeof record.action !== 'string') return '`action` is missing';
      if (!workloadNames.includes(record.workload as WorkloadName)) return '`workload` is not one that can be checked';
      return value as InvokeRecord | CompletionRecord;
    default:
      return `\`type\` ${JSON.stringify(record.type)} is not known`;
  }
}

function judgeHeader(record: Partial<Record<string, unknown>>): string | undefined {
  if (record.format !== historyFormat) return `\`format\` is not ${historyFormat}`;
  if (record.version !== historyVersion) {
    return `its version is ${JSON.stringify(record.version)}; this Holdfast reads ${historyVersion}`;
  }
  if (!Array.isArray(record.workloads)) return 'the header has no `workloads`';
  for (const { name, isolation } of record.workloads as readonly Partial<WorkloadDescription>[]) {
    if (!workloadNames.includes(name as WorkloadName)) return `the workload ${JSON.stringify(name)} is not known`;
    if (!isolationLevels.includes(isolation as IsolationLevel)) return `\`isolation\` of ${name} is not known`;
  }
  return undefined;
}
