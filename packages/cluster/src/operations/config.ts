import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject, JsonValue } from '@holdfast/components';
import { isJsonObject } from '@holdfast/components';
import { HoldfastError } from '@holdfast/spec';
import type { ClusterContext } from '../context.js';
import { fetchView } from '../view/fetch-view.js';
import { waitForView } from '../view/wait-for-view.js';
import { type Assignment, checkAssignment, lookUp, patchOf } from './config-path.js';
import { diffConfiguration } from './diff-configuration.js';
import { patroniOf, spokesman } from './find-member.js';

/** A failover in the middle is over by then. */
const attempts = 5;
const retryMilliseconds = 500;

export interface ConfigurationChange {
  /** One line a changed value; empty: nothing was to do. */
  readonly changed: readonly string[];
  /** Members whose PostgreSQL must be restarted for it to take effect. */
  readonly pendingRestart: readonly string[];
}

/** Patroni's dynamic configuration, or the value at `path` in it (undefined: not set). */
export async function getConfiguration(
  context: ClusterContext,
  path: readonly string[],
  signal: AbortSignal,
): Promise<JsonValue | undefined> {
  const view = await fetchView(context, signal);
  return lookUp(await patroniOf(context, spokesman(view)).config(signal), path);
}

/** Sets values; throws HF_CONFIG_KEY before anything is changed when one of them is refused. */
export async function setConfiguration(
  context: ClusterContext,
  assignments: readonly Assignment[],
  signal: AbortSignal,
): Promise<ConfigurationChange> {
  for (const assignment of assignments) checkAssignment(assignment);
  return applyDynamicConfiguration(context, mergeAll(assignments.map(patchOf)), signal);
}

function mergeAll(patches: readonly JsonObject[]): JsonObject {
  return patches.reduce(merge, {});
}

function merge(into: JsonObject, patch: JsonObject): JsonObject {
  const merged: { [key: string]: JsonValue } = { ...into };
  for (const [key, value] of Object.entries(patch)) {
    const old = merged[key];
    merged[key] = isJsonObject(old) && isJsonObject(value) ? merge(old, value) : value;
  }
  return merged;
}

/**
 * Lines for parameters that the plan sets otherwise: the next `up` puts the plan's value back. Pure.
 */
export function overriddenByPlan(assignments: readonly Assignment[], planned: JsonObject): readonly string[] {
  return assignments.flatMap((assignment) =>
    diffConfiguration(planned, patchOf(assignment))
      .lines.filter((line) => !line.includes(': unset →'))
      .map((line) => `${line}: holdfast.yaml says otherwise, the next \`holdfast up\` puts it back`),
  );
}

/**
 * Makes Patroni's dynamic configuration contain `wanted`, with the smallest patch, and waits until the members have read it. Where the member
 * that it is told is lost in that moment, another one is.
 */
export async function applyDynamicConfiguration(
  context: ClusterContext,
  wanted: JsonObject,
  signal: AbortSignal,
): Promise<ConfigurationChange> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await applyOnce(context, wanted, signal);
    } catch (error) {
      const isLost = error instanceof HoldfastError && error.code === 'HF_PATRONI_UNREACHABLE';
      if (!isLost || attempt === attempts) throw error;
      await sleep(retryMilliseconds, undefined, { signal });
    }
  }
}

async function applyOnce(
  context: ClusterContext,
  wanted: JsonObject,
  signal: AbortSignal,
): Promise<ConfigurationChange> {
  const view = await fetchView(context, signal);
  const client = patroniOf(context, spokesman(view));
  const { patch, lines } = diffConfiguration(await client.config(signal), wanted);
  const pending = (of: typeof view) => of.members.filter((member) => member.pendingRestart).map(({ name }) => name);
  if (lines.length === 0) return { changed: [], pendingRestart: pending(view) };
  await client.patchConfig(patch, signal);
  // Members read the configuration once a loop and then say whether PostgreSQL must be restarted.
  if (lookUp(patch, ['postgresql']) === undefined) return { changed: lines, pendingRestart: pending(view) };
  await sleep((context.spec.patroni.loopWait + 1) * 1000, undefined, { signal });
  // Each Patroni asks a second after its own reload: where one waits for a restart already, the others are about to say so.
  const agree = (of: typeof view) => [0, of.members.length].includes(pending(of).length);
  const settled = await waitForView(context, agree, { signal, timeoutMilliseconds: 5000 });
  return { changed: lines, pendingRestart: pending(settled.view) };
}
