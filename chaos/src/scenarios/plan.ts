import type { Need, TargetRole } from '../faults/fault.js';

/** What a run does, one step after the other. */
export type Step =
  | { readonly kind: 'inject'; readonly id: number; readonly fault: string; readonly role: TargetRole }
  | { readonly kind: 'heal'; readonly id: number }
  | { readonly kind: 'pause'; readonly milliseconds: number }
  /** Until another member than at the start of the round is the primary that clients reach; goes on after the time as well. */
  | { readonly kind: 'await-promotion'; readonly milliseconds: number }
  /** Until the cluster is healthy again; the run fails when that takes longer. */
  | { readonly kind: 'await-health'; readonly milliseconds: number };

/** One scenario, once. */
export interface Round {
  readonly scenario: string;
  readonly steps: readonly Step[];
  /** Set: this machine or cluster cannot do it; it is skipped and counted as skipped. */
  readonly impossible?: string;
}

export interface RunPlan {
  readonly seed: string;
  readonly rounds: readonly Round[];
}

/** What a plan depends on beside names and seed. */
export interface PlanSetting {
  readonly members: number;
  /** Without agents a failover takes Patroni's ttl, and everything has to last longer. */
  readonly agents: boolean;
  /** Why something that faults need is not possible; absent: it is possible. */
  readonly impossible: Readonly<Partial<Record<Need, string>>>;
}

/** Longest run, and most rounds of one. */
export const longestRunMilliseconds = 2 * 60 * 60 * 1000;
export const mostRounds = 500;
export const mostClients = 64;
/** How long a cluster may take to be healthy again before the run fails. */
export const healthLimitMilliseconds = 180_000;
