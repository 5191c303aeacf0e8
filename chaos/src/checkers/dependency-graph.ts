/** Why one transaction comes before another: it wrote a version before (`ww`), what the other read (`wr`), read what the other replaced (`rw`), ended before the other began (`rt`). */
export const edgeKinds = ['ww', 'wr', 'rw', 'rt'] as const;
export type EdgeKind = (typeof edgeKinds)[number];

/** Set of kinds as bits. */
export const edgeBit: Readonly<Record<EdgeKind, number>> = { ww: 1, wr: 2, rw: 4, rt: 8 };

/** A directed graph over nodes 0 … nodes − 1 as compressed rows, small enough for millions of edges. */
export interface DependencyGraph {
  readonly nodes: number;
  /** The edges of node n are `targets[k]` of kind `kinds[k]` (a bit) for `starts[n]` ≤ k < `starts[n + 1]`. */
  readonly starts: Int32Array;
  readonly targets: Int32Array;
  readonly kinds: Uint8Array;
}

export interface GraphBuilder {
  /** Loops are left out. */
  add(from: number, to: number, kind: EdgeKind): void;
  build(): DependencyGraph;
}

export function graphBuilder(nodes: number): GraphBuilder {
  let froms = new Int32Array(1024);
  let tos = new Int32Array(1024);
  let bits = new Uint8Array(1024);
  let count = 0;
  const grow = () => {
    const [oldFroms, oldTos, oldBits] = [froms, tos, bits];
    froms = new Int32Array(count * 2);
    tos = new Int32Array(count * 2);
    bits = new Uint8Array(count * 2);
    froms.set(oldFroms);
    tos.set(oldTos);
    bits.set(oldBits);
  };
  return {
    add(from, to, kind) {
      if (from === to) return;
      if (count === froms.length) grow();
      froms[count] = from;
      tos[count] = to;
      bits[count] = edgeBit[kind];
      count++;
    },
    build() {
      const starts = new Int32Array(nodes + 1);
      for (let edge = 0; edge < count; edge++) starts[at(froms, edge) + 1] = at(starts, at(froms, edge) + 1) + 1;
      for (let node = 0; node < nodes; node++) starts[node + 1] = at(starts, node + 1) + at(starts, node);
      const next = starts.slice();
      const targets = new Int32Array(count);
      const kinds = new Uint8Array(count);
      for (let edge = 0; edge < count; edge++) {
        const from = at(froms, edge);
        const place = at(next, from);
        next[from] = place + 1;
        targets[place] = at(tos, edge);
        kinds[place] = at(bits, edge);
      }
      return { nodes, starts, targets, kinds };
    },
  };
}

/** An element that is known to be there. */
export function at(array: Int32Array | Uint8Array, index: number): number {
  return array[index] as number;
}

/**
 * The strongly connected components with more than one node, nodes in order, over edges whose kind is in `allowed` (bits). Tarjan's algorithm ("Depth-First
 * Search and Linear Graph Algorithms", 1972) with a stack of its own: O(nodes + edges), and no recursion to overflow.
 */
export function findComponents(graph: DependencyGraph, allowed: number): readonly (readonly number[])[] {
  const { nodes, starts, targets, kinds } = graph;
  const order = new Int32Array(nodes).fill(-1);
  const low = new Int32Array(nodes);
  const onStack = new Uint8Array(nodes);
  const nextEdge = starts.slice(0, nodes);
  const stack: number[] = [];
  const path: number[] = [];
  const components: number[][] = [];
  let counter = 0;
  for (let root = 0; root < nodes; root++) {
    if (at(order, root) !== -1) continue;
    path.push(root);
    while (path.length > 0) {
      const node = path[path.length - 1] as number;
      if (at(order, node) === -1) {
        order[node] = counter;
        low[node] = counter;
        counter++;
        stack.push(node);
        onStack[node] = 1;
      }
      const edge = at(nextEdge, node);
      if (edge < at(starts, node + 1)) {
        nextEdge[node] = edge + 1;
        if ((at(kinds, edge) & allowed) === 0) continue;
        const target = at(targets, edge);
        if (at(order, target) === -1) path.push(target);
        else if (at(onStack, target) === 1) low[node] = Math.min(at(low, node), at(order, target));
        continue;
      }
      path.pop();
      const parent = path[path.length - 1];
      if (parent !== undefined) low[parent] = Math.min(at(low, parent), at(low, node));
      if (at(low, node) !== at(order, node)) continue;
      const component: number[] = [];
      for (let member = -1; member !== node; ) {
        member = stack.pop() as number;
        onStack[member] = 0;
        component.push(member);
      }
      if (component.length > 1) components.push(component.sort((left, right) => left - right));
    }
  }
  return components;
}
