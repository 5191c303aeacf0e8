/**
 * One unit's life as a pure state machine. Times are milliseconds of a clock that only goes forward.
 *
 * Invariants (property-tested):
 *   - `launch` is only asked for when no main process exists: after it, the next `launch` comes after an `ended`.
 *   - Once asked to stop, nothing is launched until somebody asks to start.
 *   - The pause before a restart lies between the policy's bounds.
 *   - The first launch waits for the dependencies. A restart after an unexpected end does not: a member must come back even while
 *     what it was first started after is down.
 */
import type { UnitState } from '../../runtime.js';

export interface Policy {
  readonly minPause: number;
  readonly maxPause: number;
  readonly grace: number;
}

export interface Machine {
  readonly state: UnitState;
  /** When this state began. */
  readonly since: number;
  /** backoff: when to launch; stopping: when to kill. */
  readonly deadline: number | undefined;
  /** stopping: launch again when everything is gone. */
  readonly startAgain: boolean;
  /** Unexpected ends in a row; decides the pause. */
  readonly failures: number;
  /** Unexpected ends since somebody asked to start. */
  readonly restarts: number;
  readonly lastEnd: string | undefined;
}

export type UnitEvent =
  | { readonly type: 'start' | 'stop' | 'restart' }
  /** The readiness probe succeeded. */
  | { readonly type: 'ready' }
  /** The main process ended, or could not be started. */
  | { readonly type: 'ended'; readonly how: string }
  /** Not one process of the unit is left. */
  | { readonly type: 'gone' }
  /** Time has passed, or something around the unit changed. */
  | { readonly type: 'tick' };

/** `ask`: the stop signal, politely; `kill`: SIGKILL to everything. */
export type UnitAction = 'launch' | 'ask' | 'kill';

export interface Circumstances {
  readonly now: number;
  readonly policy: Policy;
  readonly dependenciesReady: boolean;
  /** Earlier processes are being killed right now: nothing may be launched yet. */
  readonly clearing: boolean;
}

export interface Step {
  readonly machine: Machine;
  readonly action: UnitAction | undefined;
}

/** Between one SIGKILL to everything and the next, for processes that were born in between. */
const killAgainAfter = 250;

export function stoppedMachine(now: number): Machine {
  return {
    state: 'stopped',
    since: now,
    deadline: undefined,
    startAgain: false,
    failures: 0,
    restarts: 0,
    lastEnd: undefined,
  };
}

/** A unit whose main process was found running. */
export function adoptedMachine(since: number): Machine {
  return { ...stoppedMachine(since), state: 'starting' };
}

export function step(machine: Machine, event: UnitEvent, circumstances: Circumstances): Step {
  const { machine: next, action } = react(machine, event, circumstances);
  return action === undefined ? advance(next, circumstances) : { machine: next, action };
}

function react(machine: Machine, event: UnitEvent, { now, policy }: Circumstances): Step {
  const stay = { machine, action: undefined };
  switch (event.type) {
    case 'start':
      if (machine.state === 'stopping') return { machine: { ...machine, startAgain: true }, action: undefined };
      if (machine.state !== 'stopped' && machine.state !== 'backoff') return stay;
      return {
        machine: enter(machine, 'waiting', now, { restarts: 0, failures: 0 }),
        action: undefined,
      };
    case 'stop':
    case 'restart': {
      const startAgain = event.type === 'restart';
      if (machine.state === 'stopping') return { machine: { ...machine, startAgain }, action: undefined };
      return { machine: enter(machine, 'stopping', now, { deadline: now + policy.grace, startAgain }), action: 'ask' };
    }
    case 'ready':
      return machine.state === 'starting' ? { machine: enter(machine, 'ready', now), action: undefined } : stay;
    case 'ended':
      return ended(machine, event.how, now, policy);
    case 'gone':
      if (machine.state !== 'stopping') return stay;
      return machine.startAgain
        ? { machine: enter(machine, 'waiting', now, { restarts: 0, failures: 0 }), action: undefined }
        : { machine: enter(machine, 'stopped', now), action: undefined };
    case 'tick':
      return stay;
  }
}

function ended(machine: Machine, how: string, now: number, policy: Policy): Step {
  // What the main process left behind has to be asked as well.
  if (machine.state === 'stopping') return { machine: { ...machine, lastEnd: how }, action: 'ask' };
  if (machine.state !== 'starting' && machine.state !== 'ready') return { machine, action: undefined };
  const wasSteady = machine.state === 'ready' && now - machine.since >= policy.maxPause;
  const failures = wasSteady ? 0 : machine.failures;
  return {
    machine: enter(machine, 'backoff', now, {
      deadline: now + pauseAfter(failures, policy),
      failures: failures + 1,
      restarts: machine.restarts + 1,
      lastEnd: how,
    }),
    action: undefined,
  };
}

/** Doubles with each failure in a row. */
export function pauseAfter(failures: number, { minPause, maxPause }: Policy): number {
  return Math.min(maxPause, minPause * 2 ** Math.min(failures, 30));
}

function advance(machine: Machine, { now, dependenciesReady, clearing }: Circumstances): Step {
  const due = machine.deadline !== undefined && now >= machine.deadline;
  if (machine.state === 'stopping' && due) {
    return { machine: { ...machine, deadline: now + killAgainAfter }, action: 'kill' };
  }
  const mayLaunch = (machine.state === 'waiting' && dependenciesReady) || (machine.state === 'backoff' && due);
  return mayLaunch && !clearing
    ? { machine: enter(machine, 'starting', now), action: 'launch' }
    : { machine, action: undefined };
}

function enter(machine: Machine, state: UnitState, now: number, more: Partial<Machine> = {}): Machine {
  return { ...machine, deadline: undefined, startAgain: false, ...more, state, since: now };
}
