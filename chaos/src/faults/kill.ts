import type { Fault, FaultKind, FaultWorld } from './fault.js';
import { etcdBeside, killAll, killUnits, mainProcessOf, postmasterOf, unitsOfMember } from './processes.js';

/** SIGKILL, and the supervisor starts them again at once. */
function killOnce(
  targets: readonly string[],
  description: string,
  inject: (signal: AbortSignal) => Promise<void>,
): Fault {
  return {
    targets,
    description,
    inject,
    heal: async () => undefined,
  };
}

/** SIGKILL, and they stay down until the fault is healed. */
function killAndHold(world: FaultWorld, units: readonly string[], description: string): Fault {
  const { runtime } = world.context;
  let held = false;
  return {
    targets: units,
    description,
    async inject(signal) {
      held = true;
      await killUnits(world, units, signal);
      // In the same instant: the supervisor waits at least half a second before it starts a member again.
      await Promise.all(units.map(async (unit) => await runtime.stop(unit, signal)));
    },
    async heal(signal) {
      if (!held) return;
      await Promise.all(units.map(async (unit) => await runtime.start(unit, signal)));
      held = false;
    },
  };
}

export const killMember: FaultKind = {
  name: 'kill-member',
  summary: 'SIGKILL to Patroni, PostgreSQL and the agent of a member at once; the supervisor starts them again',
  needs: 'units',
  roles: ['primary', 'standby', 'other replica'],
  momentary: true,
  create(world, member) {
    const units = unitsOfMember(world, member);
    return killOnce([member], `every process of ${member} killed`, (signal) => killUnits(world, units, signal));
  },
};

export const loseMember: FaultKind = {
  name: 'lose-member',
  summary: 'the same, and the member stays down for a time',
  needs: 'units',
  roles: ['primary', 'standby', 'other replica', 'former primary'],
  momentary: false,
  create: (world, member) =>
    killAndHold(world, unitsOfMember(world, member), `every process of ${member} killed, and kept down`),
};

export const loseHost: FaultKind = {
  name: 'lose-host',
  summary: 'a power cut: the member, its agent and the etcd member on its host are killed and stay down for a time',
  needs: 'processes',
  roles: ['primary', 'standby', 'other replica'],
  momentary: false,
  create(world, member) {
    const etcd = etcdBeside(world, member);
    const units = [...unitsOfMember(world, member), ...(etcd === undefined ? [] : [etcd])];
    return killAndHold(world, units, `every process on the host of ${member} killed, and kept down`);
  },
};

export const killPostgres: FaultKind = {
  name: 'kill-postgres',
  summary: 'SIGKILL to the postmaster alone',
  needs: 'processes',
  roles: ['primary', 'standby', 'other replica'],
  momentary: true,
  create: (world, member) =>
    killOnce([member], `the postmaster of ${member} killed`, async () => killAll([await postmasterOf(world, member)])),
};

export const killPatroni: FaultKind = {
  name: 'kill-patroni',
  summary: 'SIGKILL to Patroni alone; PostgreSQL goes on',
  needs: 'processes',
  roles: ['primary', 'standby', 'other replica'],
  momentary: true,
  create: (world, member) =>
    killOnce([member], `Patroni of ${member} killed`, async (signal) =>
      killAll([await mainProcessOf(world, member, signal)]),
    ),
};

export const killAgent: FaultKind = {
  name: 'kill-agent',
  summary: 'SIGKILL to a member’s agent alone',
  needs: 'agents',
  roles: ['primary', 'standby', 'other replica'],
  momentary: true,
  create(world, member) {
    const [, agent = member] = unitsOfMember(world, member);
    return killOnce([agent], `the agent of ${member} killed`, (signal) => killUnits(world, [agent], signal));
  },
};

function killUnit(unit: string, needs: FaultKind['needs'], summary: string): FaultKind {
  return {
    name: `kill-${unit}`,
    summary,
    needs,
    roles: ['cluster'],
    momentary: true,
    create: (world) => killOnce([unit], `${unit} killed`, (signal) => killUnits(world, [unit], signal)),
  };
}

export const killHaproxy = killUnit('haproxy', 'units', 'SIGKILL to HAProxy; every session ends with it');
export const killPgbouncer = killUnit('pgbouncer', 'pooler', 'SIGKILL to PgBouncer');
