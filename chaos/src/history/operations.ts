import type {
  CompletionRecord,
  EventRecord,
  HeaderRecord,
  HistoryRecord,
  InvokeRecord,
  OperationError,
  Outcome,
  PortKind,
  ServerIdentity,
  WorkloadName,
} from './records.js';

/** An operation from its invocation to its completion. */
export interface Operation {
  /** Place in the history by invocation, from 0. */
  readonly index: number;
  readonly workload: WorkloadName;
  readonly process: number;
  readonly action: string;
  readonly port: PortKind;
  /** What was asked for. */
  readonly value: unknown;
  /** What was seen; undefined unless it is `ok`. */
  readonly result: unknown;
  readonly outcome: Outcome;
  /** Microseconds. */
  readonly invoked: number;
  /** Microseconds when its client stopped waiting; Infinity when that was never recorded. An `info` operation can take effect even later. */
  readonly completed: number;
  readonly server?: ServerIdentity;
  readonly error?: OperationError;
}

export interface History {
  readonly header: HeaderRecord;
  /** By invocation. */
  readonly operations: readonly Operation[];
  readonly events: readonly EventRecord[];
  /** The last line was cut off, as when the writer is killed. */
  readonly truncated: boolean;
}

/** Puts invocations and completions together, one record after the other. `add` answers what is wrong with a record, or undefined. */
export interface HistoryBuilder {
  add(record: HistoryRecord): string | undefined;
  /** What was never completed is `info`. Undefined without a header. */
  build(truncated: boolean): History | undefined;
}

export function historyBuilder(): HistoryBuilder {
  let header: HeaderRecord | undefined;
  const operations: (Operation | undefined)[] = [];
  const events: EventRecord[] = [];
  const underWay = new Map<number, { readonly invoke: InvokeRecord; readonly index: number }>();

  const complete = (index: number, invoke: InvokeRecord, end: CompletionRecord | undefined): Operation => ({
    index,
    workload: invoke.workload,
    process: invoke.process,
    action: invoke.action,
    port: invoke.port,
    value: invoke.value,
    result: end?.type === 'ok' ? end.value : undefined,
    outcome: end?.type ?? 'info',
    invoked: invoke.time,
    completed: end?.time ?? Number.POSITIVE_INFINITY,
    ...(end?.server === undefined ? {} : { server: end.server }),
    ...(end?.error === undefined ? {} : { error: end.error }),
  });

  return {
    add(record) {
      if (record.type === 'header') {
        if (header !== undefined) return 'a second header';
        header = record;
        return undefined;
      }
      if (header === undefined) return 'the first line is not a header';
      if (record.type === 'event') {
        events.push(record);
        return undefined;
      }
      const before = underWay.get(record.process);
      if (record.type === 'invoke') {
        if (before !== undefined) return `process ${record.process} begins an operation before its last one ended`;
        underWay.set(record.process, { invoke: record, index: operations.length });
        operations.push(undefined);
        return undefined;
      }
      if (before === undefined) return `process ${record.process} ends an operation that it did not begin`;
      underWay.delete(record.process);
      operations[before.index] = complete(before.index, before.invoke, record);
      return undefined;
    },
    build(truncated) {
      if (header === undefined) return undefined;
      for (const { invoke, index } of underWay.values()) operations[index] = complete(index, invoke, undefined);
      return { header, operations: operations as Operation[], events, truncated };
    },
  };
}

/** A history from records in memory. Throws RangeError on records that no recorder writes. */
export function historyOf(records: readonly HistoryRecord[]): History {
  const builder = historyBuilder();
  records.forEach((record, index) => {
    const problem = builder.add(record);
    if (problem !== undefined) throw new RangeError(`record ${index}: ${problem}`);
  });
  const history = builder.build(false);
  if (history === undefined) throw new RangeError('no records');
  return history;
}
