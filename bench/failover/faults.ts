import { setTimeout as sleep } from 'node:timers/promises';
import { timeLimit } from '@holdfast/spec';
import { signal as sendSignal } from '@holdfast/testkit';
import type { FailoverClient } from './client-process.js';
import type { Contender, Roles } from './contender.js';
import type { Span } from './history.js';
import { findProcesses, type ProcessSearch, signalAll } from './member-processes.js';
import { monotonic } from './monotonic.js';
import { type StandbyTimes, watchStandby } from './watch-standby.js';

export interface FaultContext {
  readonly contender: Contender;
  readonly roles: Roles;
  readonly client: FailoverClient;
  readonly signal: AbortSignal;
}

/** A fault that has happened. */
export interface Strike extends Span {
  /** Members that it hit; none: something else. */
  readonly victims: readonly string[];
  /** When a standby was there again; asked by faults that leave none. */
  readonly standby?: Promise<StandbyTimes>;
}

export interface Fault {
  readonly inject: (context: FaultContext) => Promise<Strike>;
  /** Ends it, two seconds after writes are acknowledged again. Left out: it ends by itself. */
  readonly heal?: (context: FaultContext, strike: Strike) => Promise<void>;
}

type Target = 'primary' | 'synchronous';

const firstWriteMilliseconds = 90_000;

/** SIGKILL to everything of a member. It is started again by what started it, as a supervisor or systemd does, or stays down until it is healed. */
export function killMember(target: Target, options: { readonly staysDown: boolean }): Fault {
  const inject = async ({ contender, roles, signal }: FaultContext): Promise<Strike> => {
    const victim = victimOf(roles, target);
    if (options.staysDown) await contender.holdRestarts(signal);
    return { victims: [victim], ...strike({ folders: contender.foldersOf(victim) }, 'SIGKILL') };
  };
  return options.staysDown
    ? { inject, heal: async ({ contender, signal }) => await contender.releaseRestarts(signal) }
    : { inject };
}

/** SIGKILL to the postmaster and all its children; whatever manages them lives. */
export function killPostgres(target: Target): Fault {
  return {
    inject: async ({ contender, roles }) => {
      const victim = victimOf(roles, target);
      return { victims: [victim], ...strike({ folders: contender.foldersOf(victim), onlyPostgres: true }, 'SIGKILL') };
    },
  };
}

/** SIGSTOP to everything of a member: it is silent, its connections stay open. */
export function freezeMember(target: Target): Fault {
  return {
    inject: async ({ contender, roles }) => {
      const victim = victimOf(roles, target);
      return { victims: [victim], ...strike({ folders: contender.foldersOf(victim) }, 'SIGSTOP') };
    },
    heal: async ({ contender }, { victims }) => {
      const folders = victims.flatMap((victim) => contender.foldersOf(victim));
      for (const pid of findProcesses({ folders })) sendSignal(pid, 'SIGCONT');
    },
  };
}

/** No packet comes to a member's host or goes from it. */
export function cutMember(target: Target): Fault {
  return {
    inject: async ({ contender, roles, signal }) => {
      const victim = victimOf(roles, target);
      if (contender.cut === undefined) throw new Error('this cluster has no hosts of its own that could be cut off');
      const begun = monotonic();
      await contender.cut(victim, signal);
      return { victims: [victim], begun, struck: monotonic() };
    },
    heal: async ({ contender, signal }) => await contender.restore?.(signal),
  };
}

export const killEtcdLeader: Fault = {
  inject: async ({ contender, signal }) => {
    if (contender.etcdLeader === undefined) throw new Error('this cluster has no etcd');
    const pid = await contender.etcdLeader(signal);
    const begun = monotonic();
    if (!sendSignal(pid, 'SIGKILL')) throw new Error('the leader of etcd had ended by itself');
    return { victims: [], begun, struck: monotonic() };
  },
};

export const switchover: Fault = {
  inject: async ({ contender, roles, signal }) => {
    if (contender.switchover === undefined) throw new Error('this cluster has no planned switchover');
    const begun = monotonic();
    await contender.switchover(signal);
    return { victims: [roles.primary], begun, struck: begun };
  },
};

/**
 * SIGKILL to everything of the primary's member, and less than a second after the client's first write on the new primary the same to that
 * one. The second fault is the one that counts.
 */
export const killTwice: Fault = {
  inject: async ({ contender, roles, client, signal }) => {
    const first = strike({ folders: contender.foldersOf(roles.primary) }, 'SIGKILL');
    const bounded = timeLimit(signal, firstWriteMilliseconds);
    const { server } = await client.firstBegunAfter(first.struck, bounded);
    await sleep(900 * Math.random(), undefined, { signal });
    const victim = contender.memberAt(server);
    if (victim === undefined) throw new Error(`no member has the address ${server}`);
    const second = strike({ folders: contender.foldersOf(victim) }, 'SIGKILL');
    const victims = [roles.primary, victim];
    const standby = watchStandby(contender, roles.members, victims, timeLimit(signal, 60_000));
    // Awaited by the loop, after the writes.
    standby.catch(() => {});
    return { victims, ...second, standby };
  },
};

function victimOf(roles: Roles, target: Target): string {
  const victim = roles[target];
  if (victim === undefined) throw new Error('no synchronous standby is named');
  return victim;
}

function strike(search: ProcessSearch, name: NodeJS.Signals): Span {
  let begun = 0;
  const count = signalAll(search, name, () => {
    begun = monotonic();
  });
  if (count === 0) throw new Error('there was no process to hit');
  return { begun, struck: monotonic() };
}
