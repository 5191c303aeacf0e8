import type { Plan } from '@holdfast/components';
import type { ClusterSpec, Secrets } from '@holdfast/spec';
import type { ClusterContext, Progress } from '../context.js';
import type { ClusterMarker } from '../state/state-directory.js';
import type { StartEnvironment } from './repair.js';

/** What `up` does differently for each runtime: getting what the plan runs, and looking at where it will run. */
export interface Ground {
  readonly postgresMajor: number;
  plan(spec: ClusterSpec): Promise<Plan>;
  /** Changes nothing; throws what speaks against applying the plan here. */
  examine(context: ClusterContext, plan: Plan, signal: AbortSignal): Promise<Examined>;
  /** Of the database that the member has; undefined: not known yet. */
  systemIdentifier(context: ClusterContext, member: string, signal: AbortSignal): Promise<string | undefined>;
}

export interface Examined {
  /** Mends what an interruption or a loss left behind, before anything starts. */
  repair(options: {
    readonly secrets: Secrets;
    readonly signal: AbortSignal;
    readonly progress: Progress;
  }): Promise<StartEnvironment>;
}

export interface GroundOptions {
  readonly spec: ClusterSpec;
  readonly marker: ClusterMarker | undefined;
  readonly stateDirectory: string;
  /** False: nothing is installed, fetched or built. */
  readonly install: boolean;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}
