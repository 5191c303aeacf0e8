import type { Operation } from '../history/operations.js';
import type { IsolationLevel } from '../history/records.js';
import { checkInternal, checkLost, checkReads, isSeen } from './append-reads.js';
import { eachRead, findWriters, inferVersions, type KeyVersions, stepsOf, type Writers } from './append-versions.js';
import { type DependencyGraph, type GraphBuilder, graphBuilder } from './dependency-graph.js';
import { type Cycle, type CycleName, findCycles } from './find-cycles.js';
import { type Check, type CheckBuilder, checkBuilder, lastFinalRead, type Witness, witness } from './verdict.js';

export interface AppendOptions {
  readonly isolation: IsolationLevel;
  /** Whether transactions must also appear in the order of real time. Default: not under read committed. */
  readonly realtime?: boolean;
}

const forbiddenCycles: Readonly<Record<IsolationLevel, readonly CycleName[]>> = {
  serializable: ['G0', 'G1c', 'G-single', 'G-nonadjacent', 'G2'],
  'repeatable read': ['G0', 'G1c', 'G-single', 'G-nonadjacent'],
  'read committed': ['G0', 'G1c'],
};

/**
 * Invariant: the transactions of the read-write port are isolated as their level says (PostgreSQL's repeatable read is snapshot isolation), and
 * no acknowledged append is lost.
 *
 * As in Elle (Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental Observations", 2020): lists that are only appended to
 * show their own history, so reads give the order of versions, versions give the dependencies between transactions, and a cycle of these is an
 * anomaly. `transaction` has AppendSteps; `final-read` reads every list. A transaction of unknown fate counts as done when an append of it was
 * seen; real time says nothing of when. Complexity: O(elements read + transactions × clients).
 */
export function checkAppend(operations: readonly Operation[], options: AppendOptions): readonly Check[] {
  const { isolation, realtime = isolation !== 'read committed' } = options;
  const order = checkBuilder('append: order', 'All reads of a list agree on one order, with nothing in it twice.');
  const reads = checkBuilder('append: reads', 'Nothing is read that was not committed or that nobody appended.');
  const internal = checkBuilder('append: internal', 'A transaction sees its own appends.');
  const lost = checkBuilder('append: lost', 'Every acknowledged append is there at the end.');
  const cycles = checkBuilder(
    'append: isolation',
    `Transactions are isolated as ${isolation}${realtime ? ', in real time' : ''}.`,
  );

  const writers = findWriters(operations);
  const versions = inferVersions(operations, order);
  checkReads(operations, writers, reads);
  checkInternal(operations, isolation, internal);
  const finalRead = lastFinalRead(operations);
  if (finalRead === undefined) lost.unknown('there is no successful final read');
  else checkLost(operations, finalRead, writers, lost);

  const nodes = operations.filter(
    (operation) =>
      operation.port === 'rw' &&
      (operation.outcome === 'ok' || (operation.outcome === 'info' && isSeen(operation, versions))),
  );
  const graph = dependencies(nodes, writers, versions, realtime);
  const forbidden = new Set(forbiddenCycles[isolation]);
  const found = findCycles(graph, forbidden);
  Object.assign(cycles.counts, { transactions: nodes.length, edges: graph.targets.length }, found.counts);
  for (const cycle of found.cycles) reportCycle(withShortcuts(cycle, nodes), nodes, versions, cycles);
  return [order, reads, internal, lost, cycles].map((check) => check.build());
}

/** `ww` between writers of consecutive elements, `wr` from the writer of the last element read, `rw` to the writer of the next one. */
function dependencies(
  nodes: readonly Operation[],
  writers: Writers,
  versions: ReadonlyMap<number, KeyVersions>,
  realtime: boolean,
): DependencyGraph {
  const numbers = new Map(nodes.map((operation, number) => [operation, number]));
  const builder = graphBuilder(nodes.length);
  const writerOf = (key: number, element: number | undefined): number | undefined => {
    const writer = element === undefined ? undefined : writers.get(key)?.get(element)?.operation;
    return writer === undefined ? undefined : numbers.get(writer);
  };
  for (const [key, { order }] of versions) {
    for (let place = 1; place < order.length; place++) {
      const [before, after] = [writerOf(key, order[place - 1]), writerOf(key, order[place])];
      if (before !== undefined && after !== undefined) builder.add(before, after, 'ww');
    }
  }
  nodes.forEach((operation, number) => {
    eachRead(operation, (key, list, ownBefore) => {
      const known = versions.get(key);
      const end = list.at(-1);
      // A read in an order of its own has no place among the versions; it is reported as that.
      if (ownBefore || (end !== undefined && known?.places.get(end) !== list.length - 1)) return;
      const writer = writerOf(key, end);
      if (writer !== undefined) builder.add(writer, number, 'wr');
      const next = writerOf(key, known?.order[list.length]);
      if (next !== undefined) builder.add(number, next, 'rw');
    });
  });
  if (realtime) addRealtime(nodes, builder);
  return builder.build();
}

/**
 * From each transaction to those that began after its answer, without edges that others imply: at any time only the answers matter after which
 * nothing has both begun and been answered. That is at most one for each client.
 */
function addRealtime(nodes: readonly Operation[], builder: GraphBuilder): void {
  const answers = nodes
    .map((operation, number) => ({ time: operation.completed, number, counts: operation.outcome === 'ok' }))
    .filter(({ counts }) => counts)
    .sort((left, right) => left.time - right.time);
  const impliedBy = new Map<number, readonly number[]>();
  const frontier = new Set<number>();
  let next = 0;
  nodes.forEach((operation, number) => {
    for (
      let answer = answers[next];
      answer !== undefined && answer.time < operation.invoked;
      answer = answers[++next]
    ) {
      for (const implied of impliedBy.get(answer.number) ?? []) frontier.delete(implied);
      impliedBy.delete(answer.number);
      frontier.add(answer.number);
    }
    for (const before of frontier) builder.add(before, number, 'rt');
    if (operation.outcome === 'ok') impliedBy.set(number, [...frontier]);
  });
}

/** Real time is transitive, and the graph leaves out what follows from it: puts one `rt` step for many where it can, behind the first step. */
function withShortcuts(cycle: Cycle, nodes: readonly Operation[]): Cycle {
  const [first, ...rest] = cycle.steps;
  if (first === undefined || !cycle.realtime) return cycle;
  const steps = [first];
  for (let place = 0; place < rest.length; ) {
    const step = rest[place] as (typeof rest)[number];
    const operation = nodes[step.node];
    let last = -1;
    for (let next = place + 1; next <= rest.length; next++) {
      const target = nodes[(rest[next] ?? first).node];
      if (operation?.outcome === 'ok' && target !== undefined && operation.completed < target.invoked) last = next;
    }
    steps.push(last > place + 1 ? { node: step.node, edge: 'rt' } : step);
    place = Math.max(place + 1, last);
  }
  return { ...cycle, steps };
}

function reportCycle(
  cycle: Cycle,
  nodes: readonly Operation[],
  versions: ReadonlyMap<number, KeyVersions>,
  check: CheckBuilder,
): void {
  const name = cycle.realtime ? `${cycle.name}-realtime` : cycle.name;
  const transactions = cycle.steps.flatMap(({ node }) => nodes[node] ?? []);
  const message = `${transactions.length} transactions each come before the next: ${cycle.steps.map(({ edge }) => edge).join(' → ')}.`;
  check.found(name, message, () =>
    transactions.map((operation, place): Witness => {
      const next = transactions[(place + 1) % transactions.length] ?? operation;
      const edge = cycle.steps[place]?.edge ?? 'rt';
      return witness(operation, explainEdge(edge, operation, next, versions), edge);
    }),
  );
}

/** Why the first comes before the second, with the key and the element that show it. */
function explainEdge(edge: string, from: Operation, to: Operation, versions: ReadonlyMap<number, KeyVersions>): string {
  if (edge === 'rt') return 'was answered before the next began';
  const appended = (operation: Operation, key: number, element: number | undefined) =>
    element !== undefined &&
    stepsOf(operation).some((step) => step[0] === 'append' && step[1] === key && step[2] === element);
  let why = '';
  if (edge === 'ww') {
    for (const [kind, key, element] of stepsOf(from)) {
      if (kind !== 'append') continue;
      const { order, places } = versions.get(key) ?? { order: [], places: new Map<number, number>() };
      const after = order[(places.get(element) ?? Number.NaN) + 1];
      if (appended(to, key, after)) why = `appended ${element} to key ${key} just before the next appended ${after}`;
    }
  } else if (edge === 'wr') {
    eachRead(to, (key, list) => {
      if (appended(from, key, list.at(-1))) why = `appended ${list.at(-1)} to key ${key}, which the next read`;
    });
  } else {
    eachRead(from, (key, list) => {
      const after = versions.get(key)?.order[list.length];
      if (appended(to, key, after)) why = `read key ${key} without ${after}, which the next appended`;
    });
  }
  return why;
}
