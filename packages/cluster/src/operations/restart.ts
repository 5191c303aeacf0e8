import { HoldfastError } from '@holdfast/spec';
import type { ClusterContext, Progress } from '../context.js';
import { actionFailed, actionTimedOut } from '../errors.js';
import { fetchView } from '../view/fetch-view.js';
import type { ClusterView } from '../view/view.js';
import { type ActionResult, waitForView } from '../view/wait-for-view.js';
import { findReachableMember, patroniOf } from './find-member.js';
import { describe } from './promotion.js';

export interface RestartRequest {
  readonly member: string;
  /** Only when a changed parameter waits for a restart. */
  readonly pendingOnly?: boolean | undefined;
}

/** Whether the member's PostgreSQL is to be restarted, or a refusal. Pure. */
export function planRestart(view: ClusterView, request: RestartRequest): 'restart' | 'nothing' {
  const member = findReachableMember(view, request.member);
  return request.pendingOnly && member.pendingRestart !== true ? 'nothing' : 'restart';
}

/** Restarts PostgreSQL of one member through its Patroni and waits until it serves again. */
export async function restartMember(
  context: ClusterContext,
  options: RestartRequest & {
    readonly signal: AbortSignal;
    readonly progress: Progress;
    /** Default 120 s. */
    readonly timeoutMilliseconds?: number;
  },
): Promise<ActionResult & { readonly restarted: boolean }> {
  const from = performance.now();
  const elapsed = () => Math.round(performance.now() - from);
  const timeout = options.timeoutMilliseconds ?? 120_000;
  const before = await fetchView(context, options.signal);
  if (planRestart(before, options) === 'nothing') {
    return { before, after: before, restarted: false, durationMilliseconds: elapsed() };
  }
  options.progress.step(`restarting PostgreSQL of ${options.member}`);
  const limit = AbortSignal.timeout(timeout);
  try {
    await patroniOf(context, options.member).restart(AbortSignal.any([options.signal, limit]));
  } catch (error) {
    options.signal.throwIfAborted();
    if (limit.aborted) throw actionTimedOut('The restart', timeout, describe(before));
    const words = error instanceof HoldfastError ? (error.detail ?? error.message) : String(error);
    throw actionFailed('The restart', words, error);
  }
  const serves = (view: ClusterView) =>
    view.members.some(
      ({ name, state, role }) =>
        name === options.member && (role === 'primary' ? state === 'running' : state === 'streaming'),
    );
  const { view: after, reached } = await waitForView(context, serves, {
    signal: options.signal,
    timeoutMilliseconds: Math.max(1000, timeout - elapsed()),
  });
  if (!reached) throw actionTimedOut('The restart', timeout, describe(after));
  return { before, after, restarted: true, durationMilliseconds: elapsed() };
}
