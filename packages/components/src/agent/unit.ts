import { join } from 'node:path';
import { type MemberSpec, secret } from '@holdfast/spec';
import { connectHost, httpUrl, listenHost, yieldingMilliseconds, yieldToFirstWrite } from '../addresses.js';
import { memberDataDirectory, unitDirectory } from '../paths.js';
import type { PlanInput } from '../plan.js';
import type { Unit, Yielding } from '../unit.js';
import { agentVariables, renderAgentConfiguration } from './configuration.js';

/** One unit a member, `pg1-agent` …, or nothing where the spec turns them off. */
export function planAgents(input: PlanInput): readonly Unit[] {
  return input.spec.failover.enabled ? input.spec.members.map((member) => planAgent(input, member)) : [];
}

/** The agent's unit beside a member. */
export function agentUnitId(member: string): string {
  return `${member}-agent`;
}

function planAgent(input: PlanInput, member: MemberSpec): Unit {
  const { stateDirectory, tools, accounts } = input.layout;
  const id = agentUnitId(member.name);
  const directory = unitDirectory(stateDirectory, id);
  const configuration = join(directory, 'agent.json');
  return {
    id,
    component: 'agent',
    host: connectHost(member.host),
    argv: [...tools.agent, configuration],
    env: {
      NODE_ENV: 'production',
      [agentVariables.postgres]: secret('postgres'),
      [agentVariables.patroni]: secret('patroni-api'),
      [agentVariables.haproxy]: secret('haproxy-admin'),
      [agentVariables.agent]: secret('agent'),
    },
    files: [
      {
        path: configuration,
        mode: 0o600,
        content: `${JSON.stringify(renderAgentConfiguration(input, member.name), null, 2)}\n`,
        onChange: 'restart',
      },
    ],
    volumes: [{ path: directory, mode: 0o700, persistent: false }],
    ports: [{ name: 'agent', host: listenHost(input.layout, member.host), port: member.agentPort }],
    // It reads postmaster.pid and, at the worst, ends a PostgreSQL that must not go on: both are that account's.
    user: accounts.patroni,
    namespace: member.namespace,
    workingDirectory: directory,
    readiness: {
      kind: 'http',
      url: `${httpUrl(member.host, member.agentPort)}/liveness`,
      statuses: [200],
      timeoutMilliseconds: 1000,
    },
    stop: { signal: 'SIGTERM', graceSeconds: 2 },
    restart: { minMilliseconds: 100, maxMilliseconds: 2000 },
    reloadSignal: undefined,
    // Without its member there is nothing to watch, and three of them would take the processor from a cluster that is starting.
    after: { units: [member.name], atLeast: 1, ...planYielding(input, member) },
    territory: undefined,
  };
}

/**
 * Before the very first write there is nothing to fail over. The first member's has to guard its gate from the start, that is once
 * there is a PostgreSQL behind it.
 */
function planYielding({ spec, layout }: PlanInput, member: MemberSpec): { readonly yieldsTo?: Yielding } {
  const data = memberDataDirectory(layout.stateDirectory, member.name);
  if (member.name !== spec.members[0]?.name) return { yieldsTo: yieldToFirstWrite(spec, data) };
  const until = { kind: 'tcp', host: connectHost(member.host), port: member.port, timeoutMilliseconds: 1000 } as const;
  return { yieldsTo: { until, atMostMilliseconds: yieldingMilliseconds, unlessExists: data } };
}
