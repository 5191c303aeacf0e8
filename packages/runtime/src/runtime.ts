import type { Plan } from '@holdfast/components';
import type { RuntimeKind, Secrets } from '@holdfast/spec';
import type { PodWay } from './kubernetes/doors.js';

/**
 * - `waiting`: its dependencies are not ready yet
 * - `starting`: running, not ready yet
 * - `ready`: its readiness probe succeeded (and, once ready, it keeps this state until it ends)
 * - `backoff`: ended unexpectedly; starts again at `nextStartAt`
 * - `stopping`, `stopped`: because somebody asked
 */
export type UnitState = 'waiting' | 'starting' | 'ready' | 'backoff' | 'stopping' | 'stopped';

export interface UnitStatus {
  readonly id: string;
  readonly component: string;
  readonly state: UnitState;
  /** Main process, when running. */
  readonly pid: number | undefined;
  /** All processes of the unit, the main one and PostgreSQL's included. */
  readonly pids: readonly number[];
  /** ISO 8601. */
  readonly since: string;
  /** Unexpected ends since the unit was last asked to start. */
  readonly restarts: number;
  /** How it ended last: `exit 1`, `SIGKILL`, `unknown` (when it was adopted). */
  readonly lastEnd: string | undefined;
  /** The last lines of its log, when it is in backoff. */
  readonly lastOutput: readonly string[] | undefined;
  readonly nextStartAt: string | undefined;
}

/** What apply would do, or did, to one unit. */
export interface UnitChange {
  readonly unit: string;
  readonly action: 'start' | 'restart' | 'reload' | 'remove' | 'write';
  /** For people: `argv`, `env PATRONI_…`, `file …/patroni.yml`. Never a secret's value. */
  readonly because: readonly string[];
}

export interface ApplyOptions {
  readonly signal: AbortSignal;
  readonly secrets: Secrets;
  /** Extra environment for the next start of a unit only (etcd: rejoin an existing cluster). */
  readonly startEnvironment?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Told what takes long to start, and why. */
  readonly note?: (text: string) => void;
}

/** Where a pod of the pooler is reached from this process, and how another one comes to it. */
export interface PoolerPod {
  readonly host: string;
  readonly port: number;
  readonly way: PodWay;
  /** Another one after each start of the program, which begins with nobody paused. */
  readonly instance: string;
}

/** Runs plans. One instance a cluster; holds no state of its own that a later CLI call would miss. */
export interface Runtime extends AsyncDisposable {
  readonly kind: RuntimeKind;
  /** Whether all that it runs are processes of this machine: elsewhere a pid in `status` is somebody else's here. */
  readonly isHere: boolean;
  /** The plan that is in force, if any. */
  currentPlan(signal: AbortSignal): Promise<Plan | undefined>;
  /** True when something runs or is kept running. */
  isActive(signal: AbortSignal): Promise<boolean>;
  /** Brings reality to the plan: writes files, starts, reloads, restarts, removes; does not wait for readiness. */
  apply(plan: Plan, options: ApplyOptions): Promise<readonly UnitChange[]>;
  /** Brings the copies of files that units read while they run up to date, where the supervisor or the unit cannot see them by themselves. */
  renewCopies?(signal: AbortSignal): Promise<void>;
  status(signal: AbortSignal): Promise<readonly UnitStatus[]>;
  /** Where more keeps a unit from starting than itself: throws what has for so long that waiting has no sense. One look; whoever waits repeats it. */
  examineStart?(signal: AbortSignal): Promise<void>;
  /** Opens the ways to what runs, where there are some to open, so that a question does not wait for that. Never throws but when aborted. */
  reach?(signal: AbortSignal): Promise<void>;
  /**
   * Every pod of the pooler that runs and is to stay, where there are several behind one address: what is told to one is not told to the others. The
   * same one has the same port each time.
   */
  poolers?(signal: AbortSignal): Promise<readonly PoolerPod[]>;
  start(unit: string, signal: AbortSignal): Promise<void>;
  /** Resolves when every process of the unit is gone; SIGKILL after the unit's grace period. */
  stop(unit: string, signal: AbortSignal): Promise<void>;
  restart(unit: string, signal: AbortSignal): Promise<void>;
  /** SIGKILL to every process of the unit, at once; it is then restarted like any that died. */
  kill(unit: string, signal: AbortSignal): Promise<void>;
  /** Stops the given units in this order, one group after the other, then whatever keeps them running. */
  down(groups: readonly (readonly string[])[], signal: AbortSignal): Promise<void>;
  /** Deletes the data that it keeps outside of the state folder; nothing runs any more, and the caller has asked. */
  removeData(signal: AbortSignal): Promise<void>;
  /** Log lines: the last `lines` ones, then, with follow, what comes until the signal aborts. */
  logs(
    units: readonly string[],
    options: { readonly lines: number; readonly follow: boolean; readonly signal: AbortSignal },
  ): AsyncIterable<LogLine>;
}

export interface LogLine {
  readonly unit: string;
  readonly text: string;
}

/** Pure: what has to happen to get from one plan to the next; empty when nothing. */
export type DiffPlans = (from: Plan | undefined, to: Plan) => readonly UnitChange[];
