import type { SynchronousMode } from '@holdfast/spec';
import { agentUser, apiUser, superuserRole } from '../accounts.js';
import {
  connectHost,
  dcsPrefix,
  etcdClientUrl,
  etcdFrom,
  httpUrl,
  listenHost,
  membersBeside,
  patroniUrl,
} from '../addresses.js';
import { memberDataDirectory } from '../paths.js';
import type { PlanInput } from '../plan.js';
import type { TlsFiles } from '../tls.js';

/** What HAProxy asks an agent, on a line of its own. Its answer is a line too: `up` or `down`, or none. */
export const gateQuestion = 'gate primary';

/** What an agent is told about its cluster; the file that it is started with. Passwords are in its environment. */
export interface AgentConfiguration {
  readonly cluster: string;
  /** The member that it stands beside. */
  readonly member: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly mode: SynchronousMode;
  /** The member's PostgreSQL data directory. */
  readonly dataDirectory: string;
  readonly members: readonly AgentMember[];
  /** The first is the one to ask before all others. */
  readonly etcd: readonly AgentEtcd[];
  /** With what to come to etcd; undefined: no TLS. */
  readonly etcdTls?: TlsFiles | undefined;
  /** All of Patroni's keys begin with it. */
  readonly dcsPrefix: string;
  /** Statistics page, with its administration, at all addresses that the name stands for; empty: there is no HAProxy to tell. */
  readonly haproxy: readonly string[];
  readonly users: { readonly postgres: string; readonly patroni: string; readonly haproxy: string };
  /** Seconds, Patroni's. */
  readonly ttl: number;
  readonly loopWait: number;
  readonly silenceMilliseconds: number;
  readonly fenceMilliseconds: number | undefined;
}

export interface AgentEtcd {
  readonly name: string;
  readonly url: string;
  /** The members on its host; where all are on one host, the one that it is counted to. */
  readonly beside: readonly string[];
}

export interface AgentMember {
  readonly name: string;
  readonly host: string;
  readonly postgresPort: number;
  readonly patroniUrl: string;
  readonly agentPort: number;
}

/** The environment variables that carry an agent's passwords. */
export const agentVariables = {
  postgres: 'HOLDFAST_POSTGRES_PASSWORD',
  patroni: 'HOLDFAST_PATRONI_PASSWORD',
  haproxy: 'HOLDFAST_HAPROXY_PASSWORD',
  agent: 'HOLDFAST_AGENT_SECRET',
} as const;

/** Pure. */
export function renderAgentConfiguration({ spec, layout }: PlanInput, name: string): AgentConfiguration {
  const own = spec.members.find((member) => member.name === name);
  if (own === undefined) throw new RangeError(`There is no member ${name}.`);
  return {
    cluster: spec.name,
    member: name,
    listen: { host: listenHost(layout, own.host), port: own.agentPort },
    mode: spec.synchronous.mode,
    dataDirectory: memberDataDirectory(layout.stateDirectory, name),
    members: spec.members.map((member) => ({
      name: member.name,
      host: connectHost(member.host),
      postgresPort: member.port,
      patroniUrl: patroniUrl(member),
      agentPort: member.agentPort,
    })),
    etcd: etcdFrom(spec, name).map((member) => ({
      name: member.name,
      url: etcdClientUrl(member, layout),
      beside: membersBeside(spec, member),
    })),
    etcdTls: layout.etcdTls?.client,
    dcsPrefix: dcsPrefix(spec),
    // From outside Kubernetes no HAProxy can be told by itself; they find out by asking, ten times a second.
    haproxy:
      spec.kubernetes.members === 'docker'
        ? []
        : [httpUrl(spec.haproxy.everyHost ?? spec.haproxy.host, spec.haproxy.statsPort)],
    users: { postgres: superuserRole, patroni: apiUser, haproxy: agentUser },
    ttl: spec.patroni.ttl,
    loopWait: spec.patroni.loopWait,
    silenceMilliseconds: spec.failover.silenceMilliseconds,
    fenceMilliseconds: spec.failover.fenceMilliseconds,
  };
}
