import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError } from '@holdfast/spec';
import type { ClusterContext, Progress } from '../context.js';
import { actionFailed, actionTimedOut } from '../errors.js';
import { fetchView } from '../view/fetch-view.js';
import type { ClusterView } from '../view/view.js';
import { type ActionResult, waitForView } from '../view/wait-for-view.js';

export interface PromotionResult extends ActionResult {
  readonly oldLeader: string | undefined;
  readonly newLeader: string;
  /** Until the new primary was seen. */
  readonly promotedAfterMilliseconds: number;
  /** The old leader follows the new one again, and where replication is synchronous there is a standby for it. */
  readonly oldLeaderRejoined: boolean;
}

export interface PromotionOptions {
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Until there is a new primary; default ttl + 20 s: a silent leader is only replaced when its lease has ended. */
  readonly timeoutMilliseconds?: number;
  /** Until the old leader streams again; default 30 s. */
  readonly rejoinMilliseconds?: number;
}

/**
 * Asks Patroni for a promotion and believes what is seen: Patroni's own answer comes up to a second late, and a lost connection
 * says nothing. A member other than `candidate` that became primary counts as done; Patroni may choose so.
 */
export async function promote(
  context: ClusterContext,
  before: ClusterView,
  action: { readonly name: string; readonly candidate: string; readonly ask: (signal: AbortSignal) => Promise<string> },
  options: PromotionOptions,
): Promise<PromotionResult> {
  const from = performance.now();
  const { view, milliseconds } = await askForPromotion(context, before, action, options);
  return await followUp(context, before, { view, milliseconds, from, candidate: action.candidate }, options);
}

/** The asking part of `promote`: resolves as soon as there is another primary. */
export async function askForPromotion(
  context: ClusterContext,
  before: ClusterView,
  action: { readonly name: string; readonly candidate: string; readonly ask: (signal: AbortSignal) => Promise<string> },
  options: PromotionOptions,
): Promise<{ readonly view: ClusterView; readonly milliseconds: number }> {
  const { signal, progress } = options;
  const from = performance.now();
  const oldLeader = before.leader;
  const timeout = options.timeoutMilliseconds ?? (before.spec.patroni.ttl + 20) * 1000;
  const ended = new AbortController();
  const asked: { failure: unknown } = { failure: undefined };
  progress.step(`${action.name}: ${oldLeader ?? 'nobody'} → ${action.candidate}`);
  const asking = action.ask(AbortSignal.any([signal, ended.signal])).then(
    () => undefined,
    (error: unknown) => {
      asked.failure = error;
    },
  );
  try {
    let promoted: ClusterView | undefined;
    while (!promoted) {
      const view = await fetchView(context, signal);
      const primary = view.members.find(({ role, state }) => role === 'primary' && state === 'running');
      if (primary && primary.name !== oldLeader) promoted = view;
      else if (isRefusal(asked.failure)) throw actionFailed(action.name, refusalText(asked.failure), asked.failure);
      else if (performance.now() - from > timeout) throw actionTimedOut(action.name, timeout, describe(view));
      else await sleep(100, undefined, { signal });
    }
    return { view: promoted, milliseconds: Math.round(performance.now() - from) };
  } finally {
    ended.abort();
    await asking;
  }
}

/** The rest of it: waits for the old leader to follow, and answers what happened. */
export async function followUp(
  context: ClusterContext,
  before: ClusterView,
  done: {
    /** The first view with the new primary. */
    readonly view: ClusterView;
    readonly milliseconds: number;
    /** performance.now() when it began. */
    readonly from: number;
    readonly candidate: string;
  },
  options: PromotionOptions,
): Promise<PromotionResult> {
  const newLeader = done.view.leader ?? done.candidate;
  if (newLeader !== done.candidate) options.progress.note(`Patroni chose ${newLeader} instead of ${done.candidate}`);
  const rejoin = await waitForRejoin(context, done.view, before.leader, options);
  return {
    before,
    after: rejoin.view,
    oldLeader: before.leader,
    newLeader,
    promotedAfterMilliseconds: done.milliseconds,
    oldLeaderRejoined: rejoin.reached,
    durationMilliseconds: Math.round(performance.now() - done.from),
  };
}

async function waitForRejoin(
  context: ClusterContext,
  promoted: ClusterView,
  oldLeader: string | undefined,
  options: PromotionOptions,
): Promise<{ readonly view: ClusterView; readonly reached: boolean }> {
  const wasDead = promoted.members.find(({ name }) => name === oldLeader)?.state === 'unreachable';
  if (oldLeader === undefined || wasDead) {
    if (oldLeader) options.progress.note(`${oldLeader} does not answer; it rejoins when it is back`);
    return { view: promoted, reached: false };
  }
  options.progress.step(`waiting for ${oldLeader} to follow`);
  const synchronous = context.spec.synchronous.mode !== 'off';
  const follows = (view: ClusterView) =>
    view.members.some(({ name, role, state }) => name === oldLeader && role !== 'primary' && state === 'streaming') &&
    (!synchronous || view.synchronousStandbys.length > 0);
  const rejoin = await waitForView(context, follows, {
    signal: options.signal,
    timeoutMilliseconds: options.rejoinMilliseconds ?? 30_000,
  });
  if (!rejoin.reached) options.progress.note(`${oldLeader} does not stream from the new leader yet`);
  return rejoin;
}

/** An answer that says no, as opposed to no answer and to Patroni's "status unknown" when it tired of looking. */
function isRefusal(error: unknown): boolean {
  if (error === undefined) return false;
  if (error instanceof HoldfastError && error.code === 'HF_PATRONI_UNREACHABLE') return false;
  return !refusalText(error).includes('status unknown');
}

function refusalText(error: unknown): string {
  if (error instanceof HoldfastError) return error.detail ?? error.message;
  return error instanceof Error ? error.message : String(error);
}

/** One line for people. */
export function describe(view: ClusterView): string {
  const members = view.members.map(({ name, role, state }) => `${name} ${role} ${state}`);
  return `Leader: ${view.leader ?? 'none'}; ${members.join(', ')}`;
}
