import type { ClusterContext } from '../context.js';
import { buildView } from './build-view.js';
import { observe } from './observe.js';
import type { ClusterView } from './view.js';

/**
 * What is observed now: asks all parts at once and answers within about a second whatever is dead or frozen. What could not be
 * found out is undefined and named in `unknown`. Throws only when `signal` aborts.
 */
export async function fetchView(context: ClusterContext, signal: AbortSignal): Promise<ClusterView> {
  return buildView(context.spec, await observe(context, signal));
}
