import { connectHost } from '@holdfast/components';
import { type HoldfastError, timeLimit } from '@holdfast/spec';
import type { ClusterContext, Progress } from '../context.js';
import { notUp, poolerBusy, poolerConsoleSilent, poolerStillPaused } from '../errors.js';
import type { ClusterView } from '../view/view.js';
import { allConsoles } from './all-consoles.js';
import { createPoolerConsole, type PoolerConsole, type PoolerConsoleTarget, type PoolerState } from './console.js';
import { startResumeGuard } from './resume-guard.js';
import { unlessGone } from './unless-gone.js';

/** How clients of the pooler are treated while the primary changes or restarts. */
export interface DrainOptions {
  /** How long running transactions may take to end; default 5 s. */
  readonly drainMilliseconds?: number | undefined;
  /** Go on although transactions are cut then. */
  readonly force?: boolean | undefined;
}

const defaultDrainMilliseconds = 5000;
/** RESUME is answered at once; a pooler that takes longer hangs. */
const resumeMilliseconds = 3000;
/** With a limit of its own: it is looked whether a pooler is there that was to be resumed after a Ctrl-C. */
const lookMilliseconds = 5000;
/** A pause beyond the drain that lasts longer than this is somebody's who is frozen. */
const guardMilliseconds = 30_000;

/** Pure. `words`: why clients of the pooler, if there are any, are not spared. */
export function planPoolerPause(view: ClusterView): { readonly pause: boolean; readonly words?: string } {
  const { pooler } = view.spec;
  if (!pooler.enabled) return { pause: false };
  if (pooler.mode === 'session') {
    return { pause: false, words: 'the pooler gives out whole sessions (pooler.mode: session); they are cut' };
  }
  const answers = view.proxies.find(({ component }) => component === 'pgbouncer')?.healthy === true;
  return answers ? { pause: true } : { pause: false, words: 'the pooler does not answer, so it is not paused' };
}

/** The consoles of the cluster's pooler, one for each pod where it has pods. HF_NOT_UP without secrets. */
async function poolerTargets(
  { spec, secrets, runtime }: ClusterContext,
  signal: AbortSignal,
): Promise<readonly PoolerConsoleTarget[]> {
  if (secrets === undefined) throw notUp(spec.name);
  const password = secrets['pooler-admin'];
  const pods = await runtime.poolers?.(signal);
  if (pods !== undefined && pods.length > 0) return pods.map((pod) => ({ ...pod, password }));
  return [{ host: connectHost(spec.pooler.host), port: spec.pooler.port, password }];
}

function consoleOf(targets: readonly PoolerConsoleTarget[], { runtime }: ClusterContext): PoolerConsole {
  return allConsoles(
    targets.map((target) => {
      const console = createPoolerConsole(target);
      if (target.instance === undefined) return console;
      return unlessGone(console, async () => {
        const there = await runtime.poolers?.(AbortSignal.timeout(lookMilliseconds));
        return there?.some(({ port, instance }) => port === target.port && instance === target.instance) === true;
      });
    }),
  );
}

/** Undefined: there is no pooler. Throws when it does not answer. */
export async function poolerState(context: ClusterContext, signal: AbortSignal): Promise<PoolerState | undefined> {
  if (!context.spec.pooler.enabled) return undefined;
  return await consoleOf(await poolerTargets(context, signal), context).state(signal);
}

/** Ends a pause that somebody left behind; false: there was none. The caller holds the cluster's lock. Throws like the console. */
export async function resumePooler(context: ClusterContext, signal: AbortSignal): Promise<boolean> {
  const console = consoleOf(await poolerTargets(context, signal), context);
  return await console.resume(timeLimit(signal, resumeMilliseconds));
}

/**
 * Runs `action` while the pooler holds its clients: none has a transaction open, none is refused, and no server connection exists that
 * could break. Whatever happens the pooler is resumed: at the end, on an error, on Ctrl-C, and by the guard when this process is
 * killed. Answers what the action answers and how long clients waited; undefined: there was nothing to pause.
 *
 * Errors: HF_POOLER_BUSY when transactions do not end in time (the pooler is resumed, nothing was done), HF_POOLER_CONSOLE,
 * HF_POOLER_STILL_PAUSED.
 */
export async function whilePoolerPaused<Result>(
  context: ClusterContext,
  view: ClusterView,
  options: DrainOptions & { readonly signal: AbortSignal; readonly progress: Progress },
  action: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly pausedMilliseconds: number | undefined }> {
  const { signal, progress } = options;
  const plan = planPoolerPause(view);
  if (plan.words !== undefined) progress.note(plan.words);
  if (!plan.pause) return { result: await action(), pausedMilliseconds: undefined };

  const targets = await poolerTargets(context, signal);
  const console = consoleOf(targets, context);
  const drain = options.drainMilliseconds ?? defaultDrainMilliseconds;
  // PgBouncer's query_wait_timeout, which goes on in a pause.
  const { queueMilliseconds } = context.spec.haproxy;
  if (drain >= queueMilliseconds) {
    progress.note(`clients that wait longer than ${queueMilliseconds / 1000} s (haproxy.queueTimeout) get an error`);
  }
  const guard = await startResumeGuard(targets, drain + guardMilliseconds, signal);
  const from = performance.now();
  // A PAUSE that was interrupted stays in force.
  let paused = true;
  let result: Result;
  try {
    const refusal = await holdClients(console, drain, options);
    if (refusal !== undefined) {
      paused = false;
      if (options.force !== true) throw refusal;
      progress.note('the pooler could not be paused; its transactions are cut');
    }
    result = await action();
  } finally {
    if (paused && !(await resume(console))) {
      guard.letGo();
      progress.note('the pooler is still paused; a background process goes on trying to resume it');
    } else {
      paused = false;
      await guard.dismiss();
    }
  }
  if (paused) throw poolerStillPaused(targets);
  return { result, pausedMilliseconds: Math.round(performance.now() - from) };
}

/** Answers why the pooler was not paused at all; undefined: it is, or with `force` will be once it has nothing left. */
async function holdClients(
  console: PoolerConsole,
  drain: number,
  { signal, progress, force }: DrainOptions & { readonly signal: AbortSignal; readonly progress: Progress },
): Promise<HoldfastError | undefined> {
  const limit = AbortSignal.timeout(drain);
  progress.step('pausing the pooler: running transactions end, new ones wait');
  try {
    const mine = await console.pause(AbortSignal.any([signal, limit]));
    if (!mine) progress.note('the pooler was paused already; it is resumed afterwards');
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (!limit.aborted) return poolerConsoleSilent(error);
  }
  const asking = timeLimit(signal, resumeMilliseconds);
  const pools = await console.pools(asking).catch(() => []);
  const busy = pools
    .filter(({ serversActive }) => serversActive > 0)
    .map(({ serversActive, user, database }) => `${serversActive} of ${user} in ${database}`);
  const words = busy.length > 0 ? busy.join(', ') : 'how many is not known';
  if (force !== true) throw poolerBusy(drain, words);
  progress.note(`transactions that did not end within ${drain / 1000} s are cut: ${words}`);
  return undefined;
}

/** With a time limit of its own: it must happen after a Ctrl-C too. */
async function resume(console: PoolerConsole): Promise<boolean> {
  for (const end = performance.now() + resumeMilliseconds; performance.now() < end; ) {
    try {
      await console.resume(AbortSignal.timeout(resumeMilliseconds));
      return true;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return false;
}
