import { rm } from 'node:fs/promises';
import { statePaths } from '@holdfast/components';
import { acquireLock, type UnitStatus } from '@holdfast/runtime';
import type { RuntimeKind } from '@holdfast/spec';
import type { ClusterContext, Progress } from '../context.js';
import { notUp, stateDirectoryForeign } from '../errors.js';
import { readMarker, stateDirectoryPath } from '../state/state-directory.js';
import { fetchView } from '../view/fetch-view.js';

/**
 * Pure: the order in which units stop: proxies, replicas, the primary, etcd. The primary last of its kind, so that
 * no replica is promoted on the way and the last word of every transaction is in the primary's own log.
 */
export function stopOrder(
  units: readonly Pick<UnitStatus, 'id' | 'component'>[],
  leader: string | undefined,
): readonly (readonly string[])[] {
  const of = (accept: (unit: Pick<UnitStatus, 'id' | 'component'>) => boolean) =>
    units.filter(accept).map(({ id }) => id);
  return [
    of(({ component }) => component !== 'patroni' && component !== 'etcd'),
    of(({ id, component }) => component === 'patroni' && id !== leader),
    of(({ id }) => id === leader),
    of(({ component }) => component === 'etcd'),
  ].filter((group) => group.length > 0);
}

/** Stops everything in order; the data stays. Answers false when nothing ran. */
export async function down(
  context: ClusterContext,
  options: { readonly signal: AbortSignal; readonly progress: Progress },
): Promise<boolean> {
  const { signal, progress } = options;
  if ((await readMarker(context.stateDirectory)) === undefined) return false;
  await using _lock = await acquireLock(statePaths(context.stateDirectory).lock, 'holdfast down', signal);
  if (!(await context.runtime.isActive(signal))) return false;
  progress.step('Stopping the cluster');
  const view = await fetchView(context, signal);
  await context.runtime.down(stopOrder(view.units, view.leader), signal);
  return true;
}

/** What a runtime keeps outside of the state folder. */
const outside: Readonly<Record<RuntimeKind, string>> = {
  process: '',
  docker: " and the cluster's Docker volumes",
  kubernetes: ' and the namespace in Kubernetes, with volumes and Secrets',
};

/** What `purge` would delete, for people, before it does. */
export async function describePurge(
  context: ClusterContext,
): Promise<{ readonly directory: string; readonly text: string }> {
  const directory = await ownStateDirectory(context);
  const members = context.spec.members.map(({ name }) => name).join(', ');
  const beside = context.spec.outside === undefined ? '' : outside.docker;
  return {
    directory,
    text: `This deletes ${directory}${outside[context.runtime.kind]}${beside}: the databases of ${members}, etcd's data, logs, passwords and keys.`,
  };
}

/** Deletes the cluster's state folder with all its data. The caller has asked and stopped everything; only a folder that says it is this cluster's goes. */
export async function purge(context: ClusterContext, signal: AbortSignal): Promise<void> {
  const directory = await ownStateDirectory(context);
  await context.runtime.removeData(signal);
  await rm(directory, { recursive: true, force: true });
  // `.holdfast/<name>` may be a link to it.
  const link = stateDirectoryPath(context.specDirectory, context.spec.name, context.spec.dataDirectory);
  await rm(link, { force: true });
}

async function ownStateDirectory(context: ClusterContext): Promise<string> {
  const marker = await readMarker(context.stateDirectory);
  if (marker === undefined) throw notUp(context.spec.name);
  if (marker.name !== context.spec.name)
    throw stateDirectoryForeign(context.stateDirectory, marker.name, context.spec.name);
  return context.stateDirectory;
}
