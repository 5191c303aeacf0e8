import { timeLimit } from '@holdfast/spec';
import { withoutEtcdLeader } from '../errors.js';
import type { FaultKind, FaultWorld } from './fault.js';
import { killUnits } from './processes.js';

export const killEtcdLeader: FaultKind = {
  name: 'kill-etcd-leader',
  summary: 'SIGKILL to the leader of etcd; the supervisor starts it again',
  needs: 'units',
  roles: ['cluster'],
  momentary: true,
  create(world) {
    const targets: string[] = [];
    return {
      targets,
      description: 'the leader of etcd killed',
      async inject(signal) {
        targets.push(await findEtcdLeader(world, signal));
        await killUnits(world, targets, signal);
      },
      heal: async () => undefined,
    };
  },
};

export const loseEtcdQuorum: FaultKind = {
  name: 'lose-etcd-quorum',
  summary: 'so many etcd members are killed and stay down that the rest is no majority',
  needs: 'processes',
  roles: ['cluster'],
  momentary: false,
  create(world, _member, id) {
    const names = world.context.spec.etcd.members.map(({ name }) => name);
    const count = Math.floor(names.length / 2) + 1;
    // Not always the same ones.
    const targets = Array.from({ length: count }, (_, index) => names[(id + index) % names.length] ?? '');
    const { runtime } = world.context;
    let held = false;
    return {
      targets,
      description: `${targets.join(', ')} killed, and kept down: etcd has no quorum`,
      async inject(signal) {
        held = true;
        await killUnits(world, targets, signal);
        await Promise.all(targets.map(async (unit) => await runtime.stop(unit, signal)));
      },
      async heal(signal) {
        if (!held) return;
        await Promise.all(targets.map(async (unit) => await runtime.start(unit, signal)));
        held = false;
      },
    };
  },
};

/** Name of etcd's leader. Throws HF_CHAOS_NO_ETCD_LEADER when nobody knows one. */
export async function findEtcdLeader({ context }: FaultWorld, signal: AbortSignal): Promise<string> {
  const answers = await Promise.all(
    context.clients.etcd.map(async ({ member, client }) => {
      const limit = timeLimit(signal, 1000);
      const status = await client.status(limit).catch(() => undefined);
      return status !== undefined && status.leaderId === status.memberId ? [member] : [];
    }),
  );
  const [leader] = answers.flat();
  if (leader === undefined) throw withoutEtcdLeader();
  return leader;
}
