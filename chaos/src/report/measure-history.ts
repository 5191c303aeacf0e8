import { isAcknowledgedWrite, isWrite } from '../checkers/check-single-primary.js';
import type { History, Operation } from '../history/operations.js';
import type { EventRecord, Outcome } from '../history/records.js';

/** A stretch of time, in microseconds of the history. */
export interface Span {
  readonly begin: number;
  readonly end: number;
}

export interface LatencySummary {
  /** Microseconds; all 0 when nothing was acknowledged. */
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

export interface WorkloadSummary extends Readonly<Record<Outcome, number>> {
  readonly name: string;
  /** Of acknowledged operations. */
  readonly latency: LatencySummary;
}

export interface FaultSummary extends Span {
  readonly name: string;
  readonly targets: readonly string[];
  readonly details?: EventRecord['details'];
  /** It was still there when the history ended. */
  readonly open: boolean;
  /** Longest time without an acknowledged write that it can have caused: see gapsOf. */
  readonly gap: Span;
}

/** A member on a timeline, while its acknowledgements follow each other. */
export interface Reign extends Span {
  readonly member: string;
  readonly timeline: number | undefined;
}

export interface Measurements {
  /** From the first invocation to the last completion, final reads left out, and all events. */
  readonly run: Span;
  readonly workloads: readonly WorkloadSummary[];
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Of acknowledged writes on the read-write port. */
  readonly writeLatency: LatencySummary;
  readonly longestGap: Span;
  /** Times without an acknowledged write that are worth a mark. */
  readonly gaps: readonly Span[];
  readonly faults: readonly FaultSummary[];
  readonly reigns: readonly Reign[];
  /** Acknowledged writes by completion. */
  readonly writes: readonly Operation[];
}

/** Shorter times without an acknowledgement are no gap, microseconds. */
const shortestGap = 200_000;

/** What a report says of a history besides the verdict. Pure; O(n log n). */
export function measureHistory({ header, operations, events }: History): Measurements {
  const during = operations.filter(({ action }) => action !== 'final-read');
  const writes = during.filter(isAcknowledgedWrite).sort((left, right) => left.completed - right.completed);
  const run = spanOf(during, events);
  const pauses = pausesBetween(during, writes);
  return {
    run,
    workloads: header.workloads.map(({ name }) => {
      const mine = during.filter(({ workload }) => workload === name);
      return {
        name,
        ...countOutcomes(mine),
        latency: summarizeLatency(mine.filter(({ outcome }) => outcome === 'ok')),
      };
    }),
    outcomes: countOutcomes(during),
    writeLatency: summarizeLatency(writes),
    longestGap: longestOf(pauses),
    gaps: pauses.filter(({ begin, end }) => end - begin >= shortestGap),
    faults: faultsOf(events, run, pauses),
    reigns: reignsOf(writes),
    writes,
  };
}

function spanOf(operations: readonly Operation[], events: readonly EventRecord[]): Span {
  let [begin, end] = [Number.POSITIVE_INFINITY, 0];
  for (const { invoked, completed } of operations) {
    begin = Math.min(begin, invoked);
    end = Math.max(end, Number.isFinite(completed) ? completed : invoked);
  }
  for (const { time } of events) {
    begin = Math.min(begin, time);
    end = Math.max(end, time);
  }
  return Number.isFinite(begin) ? { begin, end: Math.max(end, begin + 1) } : { begin: 0, end: 1 };
}

/** The times between one acknowledged write and the next, before the first and after the last. */
function pausesBetween(operations: readonly Operation[], writes: readonly Operation[]): readonly Span[] {
  const wanted = operations.filter((operation) => operation.port === 'rw' && isWrite(operation));
  const [first, last] = [wanted[0], wanted.at(-1)];
  if (first === undefined || last === undefined) return [];
  const times = [first.invoked, ...writes.map(({ completed }) => completed)];
  const end = times.at(-1) ?? 0;
  if (last.invoked > end) times.push(Number.isFinite(last.completed) ? last.completed : last.invoked);
  return times.slice(1).map((time, place) => ({ begin: times[place] ?? 0, end: time }));
}

function longestOf(spans: readonly Span[]): Span {
  return spans.reduce((best, span) => (span.end - span.begin > best.end - best.begin ? span : best), {
    begin: 0,
    end: 0,
  });
}

function faultsOf(events: readonly EventRecord[], run: Span, pauses: readonly Span[]): readonly FaultSummary[] {
  const faults = events.filter(({ event }) => event === 'fault');
  const begins = faults.filter(({ phase }) => phase !== 'end').sort((left, right) => left.time - right.time);
  const ends = begins.map((begin) =>
    faults.find(
      ({ phase, name, id, time }) => phase === 'end' && name === begin.name && id === begin.id && time >= begin.time,
    ),
  );
  const spans = begins.map(({ phase, time }, place): Span => {
    return { begin: time, end: phase === 'at' ? time : (ends[place]?.time ?? run.end) };
  });
  const gaps = gapsOf(spans, pauses);
  return begins.map(({ name, targets = [], details, phase }, place) => {
    const span = spans[place] ?? run;
    return {
      name,
      targets,
      ...(details === undefined ? {} : { details }),
      ...span,
      open: phase === 'begin' && ends[place] === undefined,
      gap: gaps[place] ?? span,
    };
  });
}

/**
 * The longest pause that each fault can have caused. A pause is put down to every fault that was there when it began. If there was none: to the
 * first one that began in it; if none did: to the last one before. Whatever else began in it gets what was left of it then. Both are sorted;
 * one walk over them, O(pauses × faults that are there at a time).
 */
function gapsOf(faults: readonly Span[], pauses: readonly Span[]): readonly Span[] {
  const gaps = faults.map((): Span => ({ begin: 0, end: 0 }));
  const take = (place: number, begin: number, end: number) => {
    const best = gaps[place];
    if (best !== undefined && end - begin > best.end - best.begin) gaps[place] = { begin, end };
  };
  let there: number[] = [];
  let begun = 0;
  for (const { begin, end } of pauses) {
    for (let fault = faults[begun]; fault !== undefined && fault.begin <= begin; fault = faults[begun])
      there.push(begun++);
    if (there.some((place) => (faults[place]?.end ?? 0) < begin)) {
      there = there.filter((place) => (faults[place]?.end ?? 0) >= begin);
    }
    for (const place of there) take(place, begin, end);
    let alone = there.length === 0;
    for (let place = begun; (faults[place]?.begin ?? end) < end; place++) {
      take(place, alone ? begin : (faults[place]?.begin ?? begin), end);
      alone = false;
    }
    if (alone) take(begun - 1, begin, end);
  }
  return gaps;
}

function reignsOf(writes: readonly Operation[]): readonly Reign[] {
  const reigns: { member: string; timeline: number | undefined; begin: number; end: number }[] = [];
  for (const { server, completed } of writes) {
    if (server === undefined) continue;
    const last = reigns.at(-1);
    if (last !== undefined && last.member === server.member && last.timeline === server.timeline) last.end = completed;
    else reigns.push({ member: server.member, timeline: server.timeline, begin: completed, end: completed });
  }
  return reigns;
}

function countOutcomes(operations: readonly Operation[]): Record<Outcome, number> {
  const counts = { ok: 0, fail: 0, info: 0 };
  for (const { outcome } of operations) counts[outcome]++;
  return counts;
}

function summarizeLatency(acknowledged: readonly Operation[]): LatencySummary {
  return summarize(acknowledged.map(({ invoked, completed }) => completed - invoked));
}

/** Median, 99th percentile (nearest rank) and maximum. */
export function summarize(microseconds: readonly number[]): LatencySummary {
  const sorted = Float64Array.from(microseconds).sort();
  const rank = (fraction: number) => sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? 0;
  return { median: rank(0.5), p99: rank(0.99), max: sorted.at(-1) ?? 0 };
}
