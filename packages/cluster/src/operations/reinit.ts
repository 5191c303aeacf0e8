import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { timeLimit } from '@holdfast/spec';
import type { ClusterContext, Progress } from '../context.js';
import { actionTimedOut, noLeader, reinitLeader, reinitUnconfirmed } from '../errors.js';
import { dataDirectoryOf } from '../state/data-directory-of.js';
import { fetchView } from '../view/fetch-view.js';
import type { ClusterView } from '../view/view.js';
import { type ActionResult, waitForView } from '../view/wait-for-view.js';
import { findMember, patroniOf } from './find-member.js';
import { describe } from './promotion.js';

/** Refuses the leader, an unknown member, and a cluster without a leader to copy from. Pure. */
export function checkReinit(view: ClusterView, member: string): void {
  // Patroni answers no question about a PostgreSQL that is damaged, and yet can copy it anew: just what this is for.
  findMember(view, member);
  if (view.leader === undefined) throw noLeader(view.spec.name, 'reinitialising a member');
  if (view.leader === member) throw reinitLeader(member);
}

/** What a reinitialisation deletes; `bytes` is undefined when it could not be counted in two seconds. */
export interface ReinitDamage {
  readonly dataDirectory: string;
  readonly bytes: number | undefined;
}

/** Refuses like checkReinit; otherwise says what would be deleted. Changes nothing. */
export async function previewReinit(
  context: ClusterContext,
  member: string,
  signal: AbortSignal,
): Promise<ReinitDamage> {
  checkReinit(await fetchView(context, signal), member);
  return damageOf(context, member, signal);
}

async function damageOf(context: ClusterContext, member: string, signal: AbortSignal): Promise<ReinitDamage> {
  const dataDirectory = dataDirectoryOf(context.spec, context.stateDirectory, member);
  const limit = timeLimit(signal, 2000);
  try {
    return { dataDirectory, bytes: await folderBytes(dataDirectory, limit) };
  } catch {
    signal.throwIfAborted();
    return { dataDirectory, bytes: undefined };
  }
}

/** Sum of the sizes of all files below a folder, some of which may vanish meanwhile; throws when `signal` aborts. */
async function folderBytes(folder: string, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  for await (const entry of await opendir(folder)) {
    signal.throwIfAborted();
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += await folderBytes(path, signal);
    else if (entry.isFile()) bytes += (await stat(path).catch(() => undefined))?.size ?? 0;
  }
  return bytes;
}

/**
 * Throws a replica's data away and has Patroni copy it anew; waits until it streams. Refuses the leader (HF_REINIT_LEADER) and
 * anything without `confirm: true` (HF_REINIT_UNCONFIRMED).
 */
export async function reinitMember(
  context: ClusterContext,
  options: {
    readonly member: string;
    readonly confirm: boolean;
    readonly signal: AbortSignal;
    readonly progress: Progress;
    /** Default 30 min: copying takes as long as the database is large. */
    readonly timeoutMilliseconds?: number;
  },
): Promise<ActionResult & { readonly destroyed: ReinitDamage }> {
  const { member, signal, progress } = options;
  const from = performance.now();
  const before = await fetchView(context, signal);
  checkReinit(before, member);
  const destroyed = await damageOf(context, member, signal);
  if (!options.confirm) throw reinitUnconfirmed(member, destroyed.dataDirectory);
  progress.step(`reinitialising ${member}`);
  await patroniOf(context, member).reinitialize({ force: true }, signal);
  // Patroni begins after it has answered: streaming counts only once something else was seen, or after a while.
  let begun = false;
  const timeout = options.timeoutMilliseconds ?? 1_800_000;
  const streamsAnew = (view: ClusterView) => {
    const streaming = view.members.some(({ name, state }) => name === member && state === 'streaming');
    begun ||= !streaming || performance.now() - from > 10_000;
    return begun && streaming;
  };
  const { view: after, reached } = await waitForView(context, streamsAnew, { signal, timeoutMilliseconds: timeout });
  if (!reached) throw actionTimedOut(`Reinitialising ${member}`, timeout, describe(after));
  return { before, after, destroyed, durationMilliseconds: Math.round(performance.now() - from) };
}
