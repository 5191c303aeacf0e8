import { dataDirectoryOf, findPostmasters } from '@holdfast/cluster';
import { agentUnitId } from '@holdfast/components';
import { type ProcessIdentity, readCwd, readStat, signalProcess } from '@holdfast/runtime';
import { targetMissing } from '../errors.js';
import type { FaultWorld } from './fault.js';

/** The units of a member: its Patroni, which PostgreSQL belongs to, and its agent. */
export function unitsOfMember({ context }: FaultWorld, member: string): readonly string[] {
  return context.spec.failover.enabled ? [member, agentUnitId(member)] : [member];
}

/** The etcd member on the same host; undefined: that host has none. */
export function etcdBeside({ context }: FaultWorld, member: string): string | undefined {
  const index = context.spec.members.findIndex(({ name }) => name === member);
  return context.spec.etcd.members[index]?.name;
}

/** Every process of these units, as they are now. */
export async function processesOf(
  { context }: FaultWorld,
  units: readonly string[],
  signal: AbortSignal,
): Promise<readonly ProcessIdentity[]> {
  const status = await context.runtime.status(signal);
  return identify(status.filter(({ id }) => units.includes(id)).flatMap(({ pids }) => pids));
}

/** The unit's main process; throws HF_CHAOS_TARGET_MISSING when it does not run. */
export async function mainProcessOf(
  { context }: FaultWorld,
  unit: string,
  signal: AbortSignal,
): Promise<ProcessIdentity> {
  const status = await context.runtime.status(signal);
  const [main] = identify(status.filter(({ id }) => id === unit).flatMap(({ pid }) => pid ?? []));
  if (main === undefined) throw targetMissing(unit);
  return main;
}

/** A member's postmaster; throws HF_CHAOS_TARGET_MISSING when there is none. */
export async function postmasterOf({ context }: FaultWorld, member: string): Promise<ProcessIdentity> {
  const pid = (await findPostmasters(context)).get(member);
  const [postmaster] = identify(pid === undefined ? [] : [pid]);
  if (postmaster === undefined) throw targetMissing(`PostgreSQL of ${member}`);
  return postmaster;
}

/** Every process of a member's PostgreSQL and nothing of Patroni's. */
export async function postgresProcessesOf(
  world: FaultWorld,
  member: string,
  signal: AbortSignal,
): Promise<readonly ProcessIdentity[]> {
  const { spec, stateDirectory } = world.context;
  const data = dataDirectoryOf(spec, stateDirectory, member);
  return (await processesOf(world, [member], signal)).filter(({ pid }) => readCwd(pid) === data);
}

/** SIGKILL to every process of these units: in one go where they are on this machine, else by what runs them. */
export async function killUnits(world: FaultWorld, units: readonly string[], signal: AbortSignal): Promise<void> {
  const { runtime } = world.context;
  if (runtime.isHere) killAll(await processesOf(world, units, signal));
  else await Promise.all(units.map(async (unit) => await runtime.kill(unit, signal)));
}

/** SIGKILL to all of them in one go. */
export function killAll(processes: readonly ProcessIdentity[]): void {
  for (const each of processes) signalProcess(each, 'SIGKILL');
}

const stopped = new Set(['T', 't', 'Z', 'X']);

/** SIGSTOP to all that `find` finds, again until it finds none that runs: they may fork while they are being stopped. */
export async function freezeAll(find: () => Promise<readonly ProcessIdentity[]>): Promise<readonly ProcessIdentity[]> {
  const frozen = new Map<number, ProcessIdentity>();
  for (let round = 0; round < 10; round++) {
    const running = (await find()).filter(({ pid }) => !stopped.has(readStat(pid)?.state ?? 'X'));
    if (running.length === 0 && round > 0) break;
    for (const each of running) if (signalProcess(each, 'SIGSTOP')) frozen.set(each.pid, each);
  }
  return [...frozen.values()];
}

export function thawAll(processes: readonly ProcessIdentity[]): void {
  for (const each of processes) signalProcess(each, 'SIGCONT');
}

function identify(pids: readonly number[]): readonly ProcessIdentity[] {
  return pids.flatMap((pid) => {
    const stat = readStat(pid);
    return stat === undefined ? [] : [{ pid, startTime: stat.startTime }];
  });
}
