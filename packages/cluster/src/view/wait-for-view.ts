import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterContext } from '../context.js';
import { fetchView } from './fetch-view.js';
import type { ClusterView } from './view.js';

export interface WaitOptions {
  readonly signal: AbortSignal;
  readonly timeoutMilliseconds: number;
  /** Default 100. */
  readonly intervalMilliseconds?: number;
}

/** Looks again and again until `reached` or the time is over; answers the last view and whether it was reached. */
export async function waitForView(
  context: ClusterContext,
  reached: (view: ClusterView) => boolean,
  options: WaitOptions,
): Promise<{ readonly view: ClusterView; readonly reached: boolean }> {
  const end = performance.now() + options.timeoutMilliseconds;
  for (;;) {
    const view = await fetchView(context, options.signal);
    if (reached(view)) return { view, reached: true };
    if (performance.now() >= end) return { view, reached: false };
    await sleep(options.intervalMilliseconds ?? 100, undefined, { signal: options.signal });
  }
}

/** Outcome of an operation. */
export interface ActionResult {
  readonly before: ClusterView;
  readonly after: ClusterView;
  readonly durationMilliseconds: number;
}
