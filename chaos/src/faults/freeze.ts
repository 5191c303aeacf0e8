import type { ProcessIdentity } from '@holdfast/runtime';
import type { Fault, FaultKind, FaultWorld } from './fault.js';
import {
  etcdBeside,
  freezeAll,
  mainProcessOf,
  postgresProcessesOf,
  processesOf,
  thawAll,
  unitsOfMember,
} from './processes.js';

function freeze(
  member: string,
  description: string,
  find: (signal: AbortSignal) => Promise<readonly ProcessIdentity[]>,
): Fault {
  const frozen: ProcessIdentity[] = [];
  return {
    targets: [member],
    description,
    async inject(signal) {
      frozen.push(...(await freezeAll(async () => await find(signal))));
    },
    async heal() {
      thawAll(frozen.splice(0));
    },
  };
}

const processesOfHost = (world: FaultWorld, member: string) => {
  const etcd = etcdBeside(world, member);
  return [...unitsOfMember(world, member), ...(etcd === undefined ? [] : [etcd])];
};

export const freezeMember: FaultKind = {
  name: 'freeze-member',
  summary: 'SIGSTOP to every process of a member, SIGCONT later: it wakes up where it was',
  needs: 'processes',
  roles: ['primary', 'standby', 'other replica'],
  momentary: false,
  create: (world, member) =>
    freeze(member, `every process of ${member} frozen`, (signal) =>
      processesOf(world, unitsOfMember(world, member), signal),
    ),
};

export const freezeHost: FaultKind = {
  name: 'freeze-host',
  summary: 'the same with the etcd member on its host: a paused virtual machine',
  needs: 'processes',
  roles: ['primary', 'standby', 'other replica'],
  momentary: false,
  create: (world, member) =>
    freeze(member, `every process on the host of ${member} frozen`, (signal) =>
      processesOf(world, processesOfHost(world, member), signal),
    ),
};

export const freezePostgres: FaultKind = {
  name: 'freeze-postgres',
  summary: 'SIGSTOP to PostgreSQL alone; Patroni and the agent go on',
  needs: 'processes',
  roles: ['primary', 'standby', 'other replica', 'former primary'],
  momentary: false,
  create: (world, member) =>
    freeze(member, `PostgreSQL of ${member} frozen`, (signal) => postgresProcessesOf(world, member, signal)),
};

export const freezePatroni: FaultKind = {
  name: 'freeze-patroni',
  summary: 'SIGSTOP to Patroni alone; PostgreSQL goes on and nobody renews its lock',
  needs: 'processes',
  roles: ['primary', 'standby', 'other replica'],
  momentary: false,
  create: (world, member) =>
    freeze(member, `Patroni of ${member} frozen`, async (signal) => [await mainProcessOf(world, member, signal)]),
};
