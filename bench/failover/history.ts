/** What a client saw while it wrote. Times are monotonic milliseconds; each index is one acknowledged insert, in the order of its acknowledgement. */
export interface WriteHistory {
  readonly ids: readonly number[];
  readonly begun: readonly number[];
  readonly acknowledged: readonly number[];
  /** Which of the client's connections. */
  readonly connections: readonly number[];
  /** Index into `servers`: who acknowledged it. */
  readonly server: readonly number[];
  /** `host:port` of PostgreSQL itself, behind whatever proxies. */
  readonly servers: readonly string[];
  readonly errors: readonly { readonly at: number; readonly message: string }[];
  /** When a connection could be used. */
  readonly connects: readonly number[];
  readonly started: number;
  readonly stopped: number;
}

export interface Acknowledgement {
  readonly begun: number;
  readonly acknowledged: number;
  readonly server: string;
}

/** When a fault was there: all its signals were sent between `begun` and `struck`. */
export interface Span {
  readonly begun: number;
  readonly struck: number;
}

/** A round as its client saw it. */
export interface Gaps {
  /**
   * From the fault to the next acknowledgement of a write that was begun when the fault was complete; an answer that was on its way
   * already does not count. Undefined: none came.
   */
  readonly gapMilliseconds: number | undefined;
  /** The longest time that a connection had no acknowledgement in, from the last one before the fault to the end of the round. */
  readonly longestMilliseconds: number;
  readonly errors: number;
  /** Who acknowledged writes that were begun after the fault, in order; one server twice: it came back. */
  readonly servers: readonly string[];
  readonly serverBefore: string | undefined;
}

/** Pure. */
export function measureGaps(history: WriteHistory, { begun, struck }: Span): Gaps {
  const first = firstBegunAfter(history, struck);
  const servers: string[] = [];
  let serverBefore: string | undefined;
  for (const [index, start] of history.begun.entries()) {
    const server = serverAt(history, index);
    if (start <= begun) serverBefore = server;
    else if (start > struck && servers.at(-1) !== server) servers.push(server);
  }
  return {
    gapMilliseconds: first === undefined ? undefined : first.acknowledged - begun,
    longestMilliseconds: longestGap(history, begun),
    errors: history.errors.filter(({ at }) => at >= begun).length,
    servers,
    serverBefore,
  };
}

/** Undefined: not yet. Acknowledgements of several connections are not in the order of their beginnings. */
export function firstBegunAfter(
  history: Pick<WriteHistory, 'begun' | 'acknowledged' | 'server' | 'servers'>,
  time: number,
): Acknowledgement | undefined {
  const index = history.begun.findIndex((begun) => begun > time);
  const [begun, acknowledged] = [history.begun[index], history.acknowledged[index]];
  if (begun === undefined || acknowledged === undefined) return undefined;
  return { begun, acknowledged, server: serverAt(history, index) };
}

function longestGap(history: WriteHistory, from: number): number {
  const last = new Map<number, number>();
  let longest = 0;
  for (const [index, acknowledged] of history.acknowledged.entries()) {
    const connection = history.connections[index] ?? 0;
    if (acknowledged > from)
      longest = Math.max(longest, acknowledged - (last.get(connection) ?? Math.max(from, history.started)));
    last.set(connection, acknowledged);
  }
  // A connection that still waits when the round ends has waited that long at least.
  for (const acknowledged of last.values()) longest = Math.max(longest, history.stopped - Math.max(from, acknowledged));
  return longest;
}

function serverAt({ server, servers }: Pick<WriteHistory, 'server' | 'servers'>, index: number): string {
  return servers[server[index] ?? -1] ?? 'unknown';
}
