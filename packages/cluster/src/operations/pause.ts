import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterContext, Progress } from '../context.js';
import { actionTimedOut } from '../errors.js';
import { fetchView } from '../view/fetch-view.js';
import { answer, valueIn } from '../view/observation.js';
import type { ClusterView } from '../view/view.js';
import type { ActionResult } from '../view/wait-for-view.js';
import { patroniOf, spokesman } from './find-member.js';

/** Whether anything is to be done, and through whom. Throws HF_CLUSTER_UNREACHABLE when no Patroni answers. Pure. */
export function planPause(view: ClusterView, paused: boolean): { readonly change: boolean; readonly through: string } {
  return { change: view.paused !== paused, through: spokesman(view) };
}

/**
 * Begins or ends Patroni's maintenance mode (no automatic failover, no restart of a stopped PostgreSQL) and waits until every member
 * that answers knows: members read the configuration once a loop.
 */
export async function setPaused(
  context: ClusterContext,
  paused: boolean,
  options: { readonly signal: AbortSignal; readonly progress: Progress; readonly timeoutMilliseconds?: number },
): Promise<ActionResult & { readonly changed: boolean }> {
  const { signal, progress } = options;
  const from = performance.now();
  const timeout = options.timeoutMilliseconds ?? (2 * context.spec.patroni.loopWait + 10) * 1000;
  const before = await fetchView(context, signal);
  const plan = planPause(before, paused);
  if (plan.change) {
    progress.step(paused ? 'pausing automatic failover' : 'resuming automatic failover');
    await patroniOf(context, plan.through).patchConfig({ pause: paused ? true : null }, signal);
  }
  for (;;) {
    const waiting = await membersThatDiffer(context, paused, signal);
    if (waiting.length === 0) break;
    if (performance.now() - from > timeout) {
      throw actionTimedOut(
        paused ? 'The pause' : 'The resumption',
        timeout,
        `${waiting.join(', ')} did not take it over.`,
      );
    }
    await sleep(100, undefined, { signal });
  }
  const after = await fetchView(context, signal);
  const silent = after.members.filter(({ state }) => state === 'unreachable').map(({ name }) => name);
  if (silent.length > 0) progress.note(`${silent.join(', ')} could not be asked`);
  return { before, after, changed: plan.change, durationMilliseconds: Math.round(performance.now() - from) };
}

async function membersThatDiffer(
  context: ClusterContext,
  paused: boolean,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const states = await Promise.all(
    context.clients.patroni.map(async ({ member, client }) => {
      const state = valueIn(await answer((limit) => client.state(limit), { signal, timeoutMilliseconds: 1000 }));
      return state && state.scope === context.spec.name && state.paused !== paused ? [member] : [];
    }),
  );
  signal.throwIfAborted();
  return states.flat();
}
