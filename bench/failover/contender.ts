import type { TraceReader } from './trace.js';

/** Who is what. */
export interface Roles {
  readonly primary: string;
  /** Undefined: none is named, or nobody says. */
  readonly synchronous: string | undefined;
  readonly members: readonly string[];
}

/** Something that keeps a PostgreSQL up, as the measuring loop sees it. Optional is what not each of them has. */
export interface Contender extends AsyncDisposable {
  /** Where its clients write; several URIs: the first that can be written to. */
  readonly writeUrls: readonly string[];
  readonly poolerUrl?: string;
  /** Waits until there is one primary, all others stream from it and, where there is such a thing, a synchronous standby is named. */
  waitForHealth(signal: AbortSignal): Promise<Roles>;
  /** What everything of a member works in: PostgreSQL, what manages it, what watches it. */
  foldersOf(member: string): readonly string[];
  /** The member whose PostgreSQL has that address, `host:port`. */
  memberAt(server: string): string | undefined;
  /** URI of a member's own PostgreSQL. */
  memberUrl(member: string): string;
  /** From now on nobody starts again what ends. */
  holdRestarts(signal: AbortSignal): Promise<void>;
  /** What is down is started again. */
  releaseRestarts(signal: AbortSignal): Promise<void>;
  etcdLeader?(signal: AbortSignal): Promise<number>;
  /** A planned switchover; resolves when its command has ended. */
  switchover?(signal: AbortSignal): Promise<void>;
  /** Cuts a member's host off from all others, and ends that again. */
  cut?(member: string, signal: AbortSignal): Promise<void>;
  restore?(signal: AbortSignal): Promise<void>;
  /** Watches what happens inside during a round. */
  trace?(signal: AbortSignal): Promise<TraceReader>;
}
