import { rename } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Plan, unitData } from '@holdfast/components';
import type { Secrets } from '@holdfast/spec';
import type { ClusterContext, Progress } from '../context.js';
import { notInTime } from '../errors.js';
import { repairEtcdMember } from '../operations/etcd-repair.js';
import type { MemberFacts, PreflightVerdict } from './preflight.js';

export interface RepairOptions {
  readonly context: ClusterContext;
  readonly plan: Plan;
  readonly secrets: Secrets;
  readonly verdict: PreflightVerdict;
  readonly members: readonly MemberFacts[];
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** Extra environment for the next start of a unit. */
export type StartEnvironment = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * Mends what an interruption or a loss left behind, before the members start: data directories that were never completed are moved aside
 * (nothing is deleted), an etcd member without its data is put into the etcd cluster anew.
 */
export async function repair(options: RepairOptions): Promise<StartEnvironment> {
  const { context, verdict, signal, progress } = options;
  for (const member of verdict.incomplete) await setAside(context, member, 'was never completed', options);
  if (verdict.lostEtcd.length === 0 && !verdict.unfinishedBootstrap) return {};

  await startEtcdWithout(verdict.lostEtcd, options);
  if (verdict.unfinishedBootstrap) await undoUnfinishedBootstrap(options);
  const environment: Record<string, Readonly<Record<string, string>>> = {};
  for (const name of verdict.lostEtcd) {
    progress.step(`Putting ${name}, which lost its data, into the etcd cluster anew`);
    await context.runtime.stop(name, signal).catch(() => {});
    const data = unitData(context.stateDirectory, name);
    await rename(data, asideName(data)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    environment[name] = await repairEtcdMember(context, name, signal);
  }
  return environment;
}

/** etcd's other members must run to take one in; on a machine that was restarted nothing does yet. */
async function startEtcdWithout(lost: readonly string[], options: RepairOptions): Promise<void> {
  const { context, plan, secrets, signal, progress } = options;
  if (await context.runtime.isActive(signal)) return;
  progress.step('Starting etcd');
  const units = plan.units.filter(({ id, component }) => component === 'etcd' && !lost.includes(id));
  await context.runtime.apply({ ...plan, units }, { signal, secrets });
  const seconds = 30;
  for (const end = performance.now() + seconds * 1000; ; ) {
    const answers = await Promise.allSettled(
      context.clients.etcd.map(async ({ client }) => await client.status(signal)),
    );
    if (answers.some((answer) => answer.status === 'fulfilled' && answer.value.leaderId !== '0')) return;
    signal.throwIfAborted();
    if (performance.now() > end)
      throw notInTime('A leader of etcd', seconds, 'Too few etcd members are left; see holdfast logs etcd1.');
    await sleep(100, undefined, { signal });
  }
}

/** A first start that was cut off in initdb leaves /initialize without a system identifier: there never was a database to keep. */
async function undoUnfinishedBootstrap(options: RepairOptions): Promise<void> {
  const { context, members, signal } = options;
  const prefix = `/service/${context.spec.name}/`;
  const client = context.clients.etcd[0]?.client;
  const initialize = await client?.get(`${prefix}initialize`, signal);
  if (client === undefined || (initialize !== undefined && /^\d{10,}$/.test(initialize.value))) return;
  for (const member of members) {
    if (member.content.kind === 'database')
      await setAside(context, member, 'comes from a first start that was cut off', options);
  }
  if (initialize !== undefined) await client.deletePrefix(`${prefix}initialize`, signal);
}

async function setAside(
  context: ClusterContext,
  member: MemberFacts,
  why: string,
  options: RepairOptions,
): Promise<void> {
  if (await context.runtime.isActive(options.signal))
    await context.runtime.stop(member.name, options.signal).catch(() => {});
  const target = asideName(member.dataDirectory);
  await rename(member.dataDirectory, target);
  options.progress.note(`The data directory of ${member.name} ${why}; moved to ${target}`);
}

function asideName(path: string): string {
  return `${path}.incomplete-${new Date().toISOString().replace(/[:.]/g, '-')}`;
}
