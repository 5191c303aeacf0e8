import type { ClusterContext } from '@holdfast/cluster';
import type { LabDescription } from '../lab/lab.js';

/**
 * Whom a fault hits; members and etcd members are found when it is injected, not when it is planned.
 * - `standby`: the first synchronous standby, or any replica where there is none; `other replica`: a replica that is not it.
 * - `former primary`: who was the primary when the run began its present round.
 */
export type TargetRole = 'primary' | 'standby' | 'other replica' | 'former primary' | 'cluster';

/**
 * What a fault takes to be possible. `units`: those that can be killed as a whole, which every runtime can; `processes`: single ones, and those that are
 * to stay as they are, which must be on this machine.
 */
export type Need = 'units' | 'processes' | 'agents' | 'pooler' | 'network' | 'disk' | 'clock';

/** One fault that is about to be, or was, injected. */
export interface Fault {
  /** Names of members and units that it hits. */
  readonly targets: readonly string[];
  /** For people: `pg1: Patroni, PostgreSQL and the agent killed`. */
  readonly description: string;
  inject(signal: AbortSignal): Promise<void>;
  /** Undoes it; does nothing when there is nothing to undo. May be called several times. */
  heal(signal: AbortSignal): Promise<void>;
}

/** What faults act on. */
export interface FaultWorld {
  readonly context: ClusterContext;
  readonly lab: LabDescription | undefined;
}

export interface FaultKind {
  readonly name: string;
  /** One line for `holdfast chaos list`. */
  readonly summary: string;
  readonly needs: Need;
  /** Roles that it can hit; planned faults take one of these. */
  readonly roles: readonly TargetRole[];
  /** True: there is nothing to undo, the parts come back by themselves. */
  readonly momentary: boolean;
  /** `member`: who plays the role now; `id`: unlike that of any other fault of the run. Changes nothing yet. */
  create(world: FaultWorld, member: string, id: number): Fault;
}
