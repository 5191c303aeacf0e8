import type { Plan } from '@holdfast/components';
import { describe, expect, it } from 'vitest';
import { labels } from '../../src/docker/compose-service.js';
import { type ContainerProcess, partOf } from '../../src/docker/container-processes.js';
import { type Inspection, unitsIn } from '../../src/docker/container-status.js';
import { plannedChanges } from '../../src/docker/planned-changes.js';
import { diffPlans, planContainers } from '../../src/index.js';
import { dockerExample, specOf, versions } from './example.js';

type State = Partial<Inspection['State']>;

const never = '0001-01-01T00:00:00Z';

function container(units: string, state: State = {}, definition = 'a'): Inspection {
  const [first = ''] = units.split('=');
  return {
    Id: first,
    Name: `/main-${first}`,
    Image: 'sha256:1',
    RestartCount: 2,
    Config: { Labels: { [labels.units]: units, [labels.definition]: definition } },
    HostConfig: { PortBindings: null },
    State: {
      Status: 'running',
      Pid: 41,
      ExitCode: 0,
      OOMKilled: false,
      Error: '',
      StartedAt: '2026-01-02T03:04:05Z',
      FinishedAt: never,
      ...state,
    },
  };
}

const wanted = (unit: string, definition = 'a') => ({ name: `main-${unit}`, units: [unit], definition });

describe('what Compose will do', () => {
  it('is nothing when all is there and runs', () => {
    expect(plannedChanges([wanted('etcd1')], [container('etcd1=etcd')])).toEqual([]);
  });

  it('starts what is missing or has ended, makes anew what differs, and removes what is not wanted', () => {
    const found = [
      container('etcd1=etcd', { Status: 'exited', Pid: 0 }),
      container('haproxy=haproxy', {}, 'old'),
      container('gone=net'),
    ];
    const changes = plannedChanges([wanted('etcd1'), wanted('pg1'), wanted('haproxy')], found);
    expect(changes.map(({ unit, action }) => `${action} ${unit}`)).toEqual([
      'remove gone',
      'start etcd1',
      'start pg1',
      'restart haproxy',
    ]);
  });
});

describe('the state of units', () => {
  const stateOf = (state: State) => unitsIn(container('etcd1=etcd', state), undefined)[0]?.state;
  it.each([
    [{ Status: 'running' }, 'ready'],
    [{ Status: 'running', Health: { Status: 'healthy' } }, 'ready'],
    [{ Status: 'running', Health: { Status: 'starting' } }, 'starting'],
    [{ Status: 'running', Health: { Status: 'unhealthy' } }, 'starting'],
    [{ Status: 'restarting', Pid: 0 }, 'backoff'],
    [{ Status: 'created', Pid: 0 }, 'waiting'],
    [{ Status: 'exited', Pid: 0 }, 'stopped'],
    [{ Status: 'dead', Pid: 0 }, 'stopped'],
  ] as const)('%j is %s', (state, expected) => {
    expect(stateOf(state)).toBe(expected);
  });

  const member = 'pg1=patroni pg1-agent=agent';
  const shown = (processes: readonly ContainerProcess[] | undefined, state: State = {}) =>
    unitsIn(container(member, state), processes).map(({ id, state: is, pid, pids }) => [id, is, pid, pids.length]);
  const keepers: readonly ContainerProcess[] = [
    { pid: 41, cmdline: ['tini', '--', 'holdfast-unit', 'holdfast-member', '/usr/bin/python3', '/opt/patroni'] },
    { pid: 42, cmdline: ['/bin/bash', '/usr/local/bin/holdfast-member', '/usr/bin/python3', '/opt/patroni'] },
    { pid: 43, cmdline: ['sleep', '0.1'] },
  ];
  const patroni = { pid: 44, cmdline: ['/usr/bin/python3', 'patroni-prompt.py', '/opt/patroni', 'patroni.yml'] };
  const postgres = { pid: 45, cmdline: ['/usr/lib/postgresql/15/bin/postgres', '-D', '/data'] };
  const agent = { pid: 46, cmdline: ['/usr/local/bin/node', '/opt/holdfast/agent.mjs', 'agent.json'] };

  it('tells a member from its agent by their processes', () => {
    expect([...keepers, patroni, postgres, agent].map(partOf)).toEqual([
      ...[undefined, undefined, undefined],
      ...['main', 'main', 'agent'],
    ]);
    expect(shown([...keepers, patroni, postgres, agent])).toEqual([
      ['pg1', 'ready', 44, 2],
      ['pg1-agent', 'ready', 46, 1],
    ]);
    expect(shown([...keepers, patroni, postgres])).toEqual([
      ['pg1', 'ready', 44, 2],
      ['pg1-agent', 'stopped', undefined, 0],
    ]);
    expect(shown([], { Status: 'exited', Pid: 0 })).toEqual([
      ['pg1', 'stopped', undefined, 0],
      ['pg1-agent', 'stopped', undefined, 0],
    ]);
  });

  it('takes the container for its units where the engine is elsewhere', () => {
    expect(shown(undefined)).toEqual([
      ['pg1', 'ready', 41, 1],
      ['pg1-agent', 'ready', 41, 1],
    ]);
  });

  it.each([
    [{ FinishedAt: '2026-01-02T03:00:00Z', ExitCode: 1 }, 'exit 1'],
    [{ FinishedAt: '2026-01-02T03:00:00Z', ExitCode: 137 }, 'SIGKILL'],
    [{ FinishedAt: '2026-01-02T03:00:00Z', ExitCode: 137, OOMKilled: true }, 'out of memory'],
    [{ FinishedAt: never, ExitCode: 0 }, undefined],
  ] as const)('remembers how it ended: %j', (state, expected) => {
    expect(unitsIn(container('etcd1=etcd', state), undefined)[0]?.lastEnd).toBe(expected);
  });
});

describe('the difference between plans of containers', () => {
  const differences = (from: Plan, to: Plan) => diffPlans(from, to).map(({ unit, action }) => `${action} ${unit}`);
  const { plan } = dockerExample();

  it('is a restart of all units when their image is another one', () => {
    const other = planContainers(specOf('runtime: docker\n'), { database: 'other', api: 'other' });
    expect(differences(plan, other)).toEqual(plan.units.map(({ id }) => `restart ${id}`));
  });

  it('is a restart of the member when only its agent changes, comes or goes', () => {
    const changed: Plan = {
      ...plan,
      units: plan.units.map((unit) => (unit.id === 'pg2-agent' ? { ...unit, argv: ['/bin/other'] } : unit)),
    };
    expect(differences(plan, changed)).toEqual(['restart pg2-agent', 'restart pg2']);
    const alone: Plan = { ...plan, units: plan.units.filter(({ id }) => id !== 'pg3-agent') };
    expect(differences(plan, alone)).toEqual(['remove pg3-agent', 'restart pg3']);
    expect(differences(alone, plan)).toEqual(['start pg3-agent', 'restart pg3']);
  });

  it('leaves the agent alone when Patroni only loads a file', () => {
    const to = planContainers(specOf('runtime: docker\npostgres: { parameters: { work_mem: 8MB } }\n'), versions);
    expect(differences(plan, to)).toEqual(['reload pg1', 'reload pg2', 'reload pg3']);
  });
});
