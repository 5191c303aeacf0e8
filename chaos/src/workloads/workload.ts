import type { IsolationLevel, PortKind, WorkloadName } from '../history/records.js';
import type { SeededRandom } from '../seeded-random.js';
import type { ClientConnection } from './connection.js';

/** Schema of every table that a workload makes. */
export const chaosSchema = 'holdfast_chaos';

/** What a client tries next. */
export interface Attempt {
  readonly action: string;
  readonly value: unknown;
  readonly port: PortKind;
  /** Answers what was seen. Throws NotAcknowledged. */
  perform(connection: ClientConnection): Promise<unknown>;
}

export interface ClientPlace {
  /** 0 ≤ index < clients */
  readonly index: number;
  readonly clients: number;
}

/** A kind of work whose history a checker can judge. */
export interface Workload {
  readonly name: WorkloadName;
  readonly defaultIsolation: IsolationLevel;
  /** What the checker must know, for the header of the history. */
  readonly options: Readonly<Record<string, number | boolean>>;
  /** Makes its tables anew, within a transaction. */
  readonly prepare: readonly string[];
  /**
   * The operations of one client, one a call. The same random numbers and place give the same sequence; only what a compare-and-set expects
   * depends on what the client has seen.
   */
  client(random: SeededRandom, place: ClientPlace): () => Attempt;
  /** Reads all there is. Throws NotAcknowledged. */
  finalRead(connection: ClientConnection): Promise<unknown>;
}

/** A number that no other operation of any client has, counted from 0. */
export function uniqueNumber({ index, clients }: ClientPlace, operation: number): number {
  return operation * clients + index;
}
