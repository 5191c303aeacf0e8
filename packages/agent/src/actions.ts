import type { Handover, HaproxyClient, PatroniClient } from '@holdfast/components';
import { timeLimit } from '@holdfast/spec';
import type { Action } from './decide.js';
import type { EtcdCluster } from './etcd-cluster.js';
import { errorText, logEvent } from './log.js';
import type { Metrics } from './metrics.js';
import type { OwnPostgres } from './own-postgres.js';
import type { WalSource } from './receive-wal.js';

const transactionMilliseconds = 1000;
const routeMilliseconds = 1000;
/** Less than what `decide` gives it, so that it has cleaned up by then. */
const catchUpMilliseconds = 500;

export interface ActorOptions {
  readonly me: string;
  readonly etcd: EtcdCluster;
  /** URLs of the members of etcd that may lead it. */
  readonly etcdTargets: () => readonly string[];
  readonly patroni: PatroniClient;
  readonly haproxy: readonly HaproxyClient[];
  readonly postgres: OwnPostgres;
  /** Where a member's PostgreSQL is. */
  readonly postgresOf: (member: string) => WalSource;
  readonly loopWait: number;
  readonly metrics: Metrics;
}

/** Carries out what was decided. Nothing here throws: what failed is logged, and decided again from what is then seen. */
export class Actor {
  readonly #options: ActorOptions;

  constructor(options: ActorOptions) {
    this.#options = options;
  }

  async act(action: Action, signal: AbortSignal): Promise<void> {
    this.#options.metrics.count(action.kind);
    const { kind, ...details } = action;
    logEvent(kind, { ...details, handover: undefined });
    try {
      await this.#perform(action, signal);
    } catch (error) {
      if (!signal.aborted) logEvent(`${kind}-failed`, { error: errorText(error) });
    }
  }

  /** HAProxy sends no more clients to `member` and ends their sessions, until its own agent says up. */
  async routeAway(member: string, signal: AbortSignal): Promise<void> {
    await this.#mark(member, ['agent-down'], signal);
  }

  /** HAProxy sends clients to `member` now, instead of after its next checks. */
  async routeTo(member: string, signal: AbortSignal): Promise<void> {
    await this.#mark(member, ['agent-up', 'health-up'], signal);
  }

  /** The lease of a lock that was taken away; one that is gone already is as well. */
  async revoke(lease: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#options.etcd.ask(
        (client, limit) => client.revokeLease(lease, limit),
        transactionMilliseconds,
        signal,
      );
    } catch (error) {
      const text = errorText(error);
      if (!signal.aborted && !text.includes('lease not found')) logEvent('revoke-failed', { error: text });
    }
  }

  async #perform(action: Action, signal: AbortSignal): Promise<void> {
    const { etcd, etcdTargets, patroni, postgres, loopWait } = this.#options;
    switch (action.kind) {
      case 'seal':
      case 'release':
        await this.#take(action.from, action.handover, signal);
        return;
      case 'catch-up':
        await this.#catchUp(action.from, action.position, signal);
        return;
      case 'end-wal-sender':
        await postgres.endWalSender(action.pid, action.standby);
        return;
      case 'wake-patroni':
        // A patch that changes nothing is not written, and wakes the loop all the same (patroni/api.py, do_PATCH_config).
        await patroni.patchConfig({ loop_wait: loopWait }, signal);
        return;
      case 'fence':
        logEvent('fenced', { ran: postgres.stopImmediately() });
        return;
      case 'move-etcd-leader':
        await moveEtcdLeader(etcd, etcdTargets(), signal);
    }
  }

  async #take(from: string, { transaction, lease }: Handover, signal: AbortSignal): Promise<void> {
    const began = performance.now();
    const { succeeded } = await this.#options.etcd.ask(
      (client, limit) => client.transact(transaction, limit),
      transactionMilliseconds,
      signal,
    );
    logEvent(succeeded ? 'sealed' : 'guard-failed', { from, milliseconds: Math.round(performance.now() - began) });
    if (!succeeded) {
      this.#options.metrics.count('seal-failed');
      return;
    }
    await Promise.all([this.revoke(lease, signal), this.routeAway(from, signal)]);
    logEvent('released', { from });
  }

  async #catchUp(from: string, position: number, signal: AbortSignal): Promise<void> {
    const { postgres, postgresOf } = this.#options;
    const began = performance.now();
    const whole = await postgres.receiveFrom(postgresOf(from), position, timeLimit(signal, catchUpMilliseconds));
    logEvent(whole ? 'caught-up' : 'still-behind', { from, milliseconds: Math.round(performance.now() - began) });
  }

  async #mark(
    member: string,
    states: readonly ('agent-down' | 'agent-up' | 'health-up')[],
    signal: AbortSignal,
  ): Promise<void> {
    const limit = timeLimit(signal, routeMilliseconds);
    await Promise.all(
      this.#options.haproxy.map(async (haproxy) => {
        try {
          for (const state of states) await haproxy.mark('primary', member, state, limit);
          logEvent('route', { member, states });
        } catch (error) {
          if (!signal.aborted) logEvent('route-failed', { member, states, error: errorText(error) });
        }
      }),
    );
  }
}

/** To one of `targets` that answers. */
async function moveEtcdLeader(etcd: EtcdCluster, targets: readonly string[], signal: AbortSignal): Promise<void> {
  const limit = timeLimit(signal, transactionMilliseconds);
  const states = await Promise.allSettled(
    etcd.members.map(async (client) => ({ client, status: await client.status(limit) })),
  );
  const answered = states.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const leader = answered.find(({ status }) => status.leaderId !== '0' && status.leaderId === status.memberId);
  const target = answered.find(
    ({ client, status }) => status.memberId !== leader?.status.memberId && targets.includes(client.url),
  );
  if (leader === undefined || target === undefined) return;
  await leader.client.moveLeader(target.status.memberId, limit);
  logEvent('etcd-leader-moved', { to: target.client.url });
}
