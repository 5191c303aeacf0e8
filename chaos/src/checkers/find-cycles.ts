import { at, type DependencyGraph, type EdgeKind, edgeBit, edgeKinds, findComponents } from './dependency-graph.js';

/** Adya's names ("Weak Consistency", 1999); G-nonadjacent after Cerone and Gotsman. */
export type CycleName = 'G0' | 'G1c' | 'G-single' | 'G-nonadjacent' | 'G2';

export interface Cycle {
  readonly name: CycleName;
  /** Real time is part of it: without those edges there would be no cycle. */
  readonly realtime: boolean;
  /** Node and the kind of its edge to the next one; from the last one to the first. */
  readonly steps: readonly { readonly node: number; readonly edge: EdgeKind }[];
}

export interface FoundCycles {
  readonly cycles: readonly Cycle[];
  /** Components of each kind, also those of which no cycle is shown. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Cycles that are shown, of each kind. */
const mostShown = 10;
/** Nodes visited while looking for a cycle that is shorter, or of a rarer kind, than another one. */
const mostVisited = 1_000_000;

/** Edges of these kinds are dependencies that every level keeps in order; `rw` is the one that snapshots may turn around. */
const { ww, wr, rw, rt } = edgeBit;

/**
 * All kinds of cycles in a dependency graph, each with a short witness:
 *  - G0: of writes only;
 *  - G1c: of writes and reads;
 *  - G-single: with exactly one `rw`; G-nonadjacent: with several, no two in a row. Snapshot isolation has neither: it is the same as
 *    ((ww ∪ wr ∪ rt) ; rw?) having no cycle (Cerone and Gotsman, "Analysing Snapshot Isolation", 2018);
 *  - G2: with two `rw` in a row, which is write skew.
 * `rt` edges count as dependencies wherever they are; cycles without them are looked for first. A component that shows a forbidden kind is not
 * looked at again for a weaker one. Kinds that are not forbidden are counted, by components, and not shown.
 * Complexity: O(nodes + edges) to decide, and a bounded search for each witness. Which of G-single and G-nonadjacent it is can be missed
 * (they are forbidden together); that there is one cannot.
 */
export function findCycles(graph: DependencyGraph, forbidden: ReadonlySet<CycleName>): FoundCycles {
  const cycles: Cycle[] = [];
  const counts: Record<string, number> = {};
  const explained = new Set<number>();
  const take = (
    name: CycleName,
    components: readonly (readonly number[])[],
    nodeOf: (member: number) => number,
    find: (members: ReadonlySet<number>) => Cycle | undefined,
  ) => {
    for (const component of components) {
      if (component.some((member) => explained.has(nodeOf(member)))) continue;
      const shown = forbidden.has(name) && (counts[name] ?? 0) < mostShown;
      const cycle = shown ? find(new Set(component)) : undefined;
      const found = cycle?.name ?? name;
      counts[found] = (counts[found] ?? 0) + 1;
      if (cycle !== undefined) cycles.push(cycle);
      if (forbidden.has(name)) for (const member of component) explained.add(nodeOf(member));
    }
  };
  const itself = (node: number) => node;
  // One look at everything: mostly there is no cycle at all.
  if (findComponents(graph, ww | wr | rw | rt).length === 0) return { cycles, counts };

  for (const realtime of graph.kinds.includes(rt) ? [0, rt] : [0]) {
    const writes = ww | realtime;
    const snapshot = ww | wr | realtime;
    take('G0', findComponents(graph, writes), itself, (members) => cycleIn(graph, 'G0', members, ww, writes));
    take('G1c', findComponents(graph, snapshot), itself, (members) => cycleIn(graph, 'G1c', members, wr, snapshot));
    // State 2n is node n reached by anything else, 2n + 1 is node n reached by `rw`, from where no `rw` goes on.
    const doubled = doubledGraph(graph, realtime);
    const half = (state: number) => state >> 1;
    take('G-single', findComponents(doubled, snapshot | rw), half, (states) => {
      const members = new Set([...states].map(half));
      const single = cycleIn(graph, 'G-single', members, rw, snapshot);
      if (single !== undefined) return single;
      const cycle = cycleIn(doubled, 'G-nonadjacent', states, rw, snapshot | rw);
      return cycle && { ...cycle, steps: cycle.steps.map(({ node, edge }) => ({ node: half(node), edge })) };
    });
    take('G2', findComponents(graph, snapshot | rw), itself, (members) =>
      cycleIn(graph, 'G2', members, rw, snapshot | rw),
    );
  }
  return { cycles, counts };
}

/** A short cycle of these members that begins with an edge of kind `first` and goes on over edges in `rest`. */
function cycleIn(
  graph: DependencyGraph,
  name: CycleName,
  members: ReadonlySet<number>,
  first: number,
  rest: number,
): Cycle | undefined {
  let best: Cycle | undefined;
  const budget = { left: mostVisited };
  for (const node of members) {
    for (let edge = at(graph.starts, node); edge < at(graph.starts, node + 1); edge++) {
      const target = at(graph.targets, edge);
      if ((at(graph.kinds, edge) & first) === 0 || !members.has(target)) continue;
      if (budget.left <= 0) return best;
      const path = shortestPath(graph, target, node, members, rest, budget);
      if (path === undefined || (best !== undefined && path.length + 1 >= best.steps.length)) continue;
      const steps = [{ node, edge: kindOf(at(graph.kinds, edge)) }, ...path];
      best = { name, realtime: steps.some((step) => step.edge === 'rt'), steps };
      if (steps.length === 2) return best;
    }
  }
  return best;
}

/** Breadth-first, within the members; the nodes from `from` to before `to`, each with its edge onwards. */
function shortestPath(
  graph: DependencyGraph,
  from: number,
  to: number,
  members: ReadonlySet<number>,
  allowed: number,
  budget: { left: number },
): Cycle['steps'] | undefined {
  const reached = new Map<number, { readonly before: number; readonly kind: number } | undefined>([[from, undefined]]);
  const queue = [from];
  for (let head = 0; head < queue.length; head++) {
    const node = queue[head] as number;
    budget.left--;
    for (let edge = at(graph.starts, node); edge < at(graph.starts, node + 1); edge++) {
      const target = at(graph.targets, edge);
      if ((at(graph.kinds, edge) & allowed) === 0 || !members.has(target) || reached.has(target)) continue;
      reached.set(target, { before: node, kind: at(graph.kinds, edge) });
      if (target === to) return pathTo(to, reached);
      queue.push(target);
    }
  }
  return undefined;
}

function pathTo(
  to: number,
  reached: ReadonlyMap<number, { readonly before: number; readonly kind: number } | undefined>,
): Cycle['steps'] {
  const steps: { node: number; edge: EdgeKind }[] = [];
  for (let step = reached.get(to); step !== undefined; step = reached.get(step.before)) {
    steps.push({ node: step.before, edge: kindOf(step.kind) });
  }
  return steps.reverse();
}

function doubledGraph(graph: DependencyGraph, realtime: number): DependencyGraph {
  const allowed = ww | wr | rw | realtime;
  const starts = new Int32Array(graph.nodes * 2 + 1);
  const targets = new Int32Array(graph.targets.length * 2);
  const kinds = new Uint8Array(graph.targets.length * 2);
  let count = 0;
  for (let state = 0; state < graph.nodes * 2; state++) {
    const node = state >> 1;
    for (let edge = at(graph.starts, node); edge < at(graph.starts, node + 1); edge++) {
      const kind = at(graph.kinds, edge);
      if ((kind & allowed) === 0 || (kind === rw && (state & 1) === 1)) continue;
      targets[count] = at(graph.targets, edge) * 2 + (kind === rw ? 1 : 0);
      kinds[count] = kind;
      count++;
    }
    starts[state + 1] = count;
  }
  return { nodes: graph.nodes * 2, starts, targets: targets.slice(0, count), kinds: kinds.slice(0, count) };
}

function kindOf(bit: number): EdgeKind {
  return edgeKinds[31 - Math.clz32(bit)] ?? 'ww';
}
