import { join } from 'node:path';
import type { ClusterSpec, MemberSpec } from '@holdfast/spec';
import { agentUser, apiUser } from '../accounts.js';
import { connectHost, hostPort, listenHost, writablePath } from '../addresses.js';
import { gateQuestion } from '../agent/configuration.js';
import { unitDirectory } from '../paths.js';
import type { PlanInput } from '../plan.js';

/** Environment variable that carries the password of the statistics page. */
export const statsPasswordVariable = 'HOLDFAST_STATS_PASSWORD';

/** Environment variable that carries the password of what agents may do there. */
export const adminPasswordVariable = 'HOLDFAST_HAPROXY_ADMIN_PASSWORD';

/** HAProxy waits this long before it knocks again at a server that refused a connection. */
const connectMilliseconds = 250;
/** Longer than `fall` lost checks of a silent server would need at the usual intervals. */
const checkTimeoutMilliseconds = 1000;
const fall = 2;
/**
 * With agents, which tell at once when a member is not the primary, Patroni's own answer only matters when its agent is gone as well: a
 * Patroni that is started again takes a few seconds, and its PostgreSQL serves meanwhile.
 */
const patience = { intervalMilliseconds: 1000, fall: 8 };

/** Sessions that went wrong; what becomes of servers is told on stderr anyway. */
const logOfFailures = ['log stdout format raw local0', 'option tcplog', 'option dontlognull', 'option dontlog-normal'];

/** haproxy.cfg (https://docs.haproxy.org/2.6/configuration.html); understood by 2.6 and later with Lua and its exporter. */
export function renderHaproxyConfiguration(input: PlanInput): string {
  const { spec, layout } = input;
  const { haproxy, members, resources } = spec;
  const script = join(unitDirectory(layout.stateDirectory, 'haproxy'), 'hold.lua');
  const idle = haproxy.idleSeconds === 0 ? '24d' : `${haproxy.idleSeconds}s`;
  const host = listenHost(layout, haproxy.host);
  const check = haproxy.checkMilliseconds;
  // A primary that stops, or starts again, refuses connections while Patroni still answers for it: keep knocking.
  const retries = Math.max(1, Math.ceil(haproxy.queueMilliseconds / connectMilliseconds));
  return sections(
    [
      'global',
      // A connection that is held passes through twice.
      `maxconn ${2 * haproxy.maxConnections + 100}`,
      'no strict-limits',
      `nbthread ${Math.max(1, Math.min(4, Math.floor(resources.cores)))}`,
      // Relative to the working directory: a socket's path may have no more than 97 characters.
      'stats socket unix@admin.sock mode 600 level admin',
      // Old workers after a reload end at the latest then, with the sessions they still have.
      'hard-stop-after 10m',
      `lua-load ${quote(script)}`,
    ],
    [
      'defaults',
      'mode tcp',
      `maxconn ${haproxy.maxConnections}`,
      `timeout connect ${connectMilliseconds}ms`,
      `timeout client ${idle}`,
      `timeout server ${idle}`,
      `timeout queue ${haproxy.queueMilliseconds}ms`,
      `timeout check ${checkTimeoutMilliseconds}ms`,
      `retries ${retries}`,
      'option redispatch 1',
      'option tcpka',
      `default-server inter ${check}ms fall ${fall} rise 1 on-marked-down shutdown-sessions`,
    ],
    ['userlist holdfast', `user ${apiUser} insecure-password "\${${statsPasswordVariable}}"`],
    ['userlist agents', `user ${agentUser} insecure-password "\${${adminPasswordVariable}}"`],
    [
      'frontend read-write',
      `bind ${hostPort(host, haproxy.readWritePort)}`,
      ...logOfFailures,
      // Two that say they are the primary: nobody has been checked yet after a start, or one of them is from before.
      'use_backend undecided if { nbsrv(primary) gt 1 }',
      'default_backend primary',
    ],
    [
      'frontend read-only',
      `bind ${hostPort(host, haproxy.readOnlyPort)}`,
      ...logOfFailures,
      'default_backend replicas',
    ],
    [
      'backend primary',
      ...patiently(spec),
      // 200 means that the member holds the leader lock, which it does before it is promoted and while it shuts down:
      // the body tells what PostgreSQL does. It is looked at first, so that it is always read to its end.
      'option httpchk GET /primary',
      `http-check expect rstring '"state": "(running|unknown)".*"role": "primary"'`,
      'http-check expect status 200',
      ...members.map((member) => `${server(member)} check port ${member.patroniPort}${gate(spec, member)}`),
      'server hold unix@hold.sock backup',
    ],
    [
      'backend replicas',
      'balance leastconn',
      // Patroni answers OPTIONS with a status and nothing else.
      'option httpchk OPTIONS /replica',
      'http-check expect status 200',
      ...members.map((member) => `${server(member)} check port ${member.patroniPort}`),
      ...members.map((member) => `${server(member, '-primary')} track primary/${member.name} backup`),
      'server hold unix@hold.sock backup',
    ],
    ['backend undecided', 'server hold unix@hold.sock'],
    // Clients come here only while there is not one primary, and leave it for `held`, never back to where they came from.
    [
      'frontend hold',
      'bind unix@hold.sock mode 600',
      // An upper limit only: the action ends by itself before.
      `tcp-request inspect-delay ${haproxy.queueMilliseconds + 5000}ms`,
      `tcp-request content lua.hold held ${haproxy.queueMilliseconds}`,
      'tcp-request content reject unless { var(txn.go) -m bool }',
      'default_backend held',
    ],
    ['backend held', ...members.map((member) => `${server(member)} track primary/${member.name}`)],
    [
      'frontend stats',
      `bind ${hostPort(host, haproxy.statsPort)}`,
      'mode http',
      'maxconn 50',
      'timeout client 10s',
      'timeout http-request 5s',
      'monitor-uri /healthz',
      ...renderWritable(spec),
      'http-request auth realm Holdfast unless { http_auth(holdfast) } || { http_auth(agents) }',
      'http-request use-service prometheus-exporter if { path /metrics }',
      'stats enable',
      'stats uri /',
      'stats admin if { http_auth(agents) }',
      'stats refresh 5s',
    ],
  );
}

/**
 * Tells what need not start before whether the cluster can be written to: one primary serves and, where commits wait for a replica, one of
 * those as well. Before its first checks HAProxy takes everybody for a primary.
 */
function renderWritable({ members, synchronous }: ClusterSpec): readonly string[] {
  const up = (acl: string, backend: string) => members.map(({ name }) => `acl ${acl} srv_is_up(${backend}/${name})`);
  const checked = (backend: string) => `{ lua.checked(${backend}) eq 1 }`;
  const isAlone = members.length === 1 || synchronous.mode === 'off';
  const copied = isAlone ? [] : [checked('replicas'), 'copied'];
  return [
    ...up('serves', 'primary'),
    ...(isAlone ? [] : up('copied', 'replicas')),
    `http-request return status 200 if ${[`{ path ${writablePath} }`, '{ nbsrv(primary) eq 1 }', checked('primary'), 'serves', ...copied].join(' ')}`,
    `http-request return status 503 if { path ${writablePath} }`,
  ];
}

function server(member: MemberSpec, suffix = ''): string {
  return `server ${member.name}${suffix} ${hostPort(connectHost(member.host), member.port)}`;
}

/**
 * The member's agent is asked as well (agent-check): what it answers holds until it answers something else, and no answer changes
 * nothing. So a dead agent takes nobody down, and what an agent says of another one's member, over the statistics page, stays until
 * that one's own agent has proof of the contrary.
 */
function gate({ failover, haproxy }: ClusterSpec, member: MemberSpec): string {
  if (!failover.enabled) return '';
  const every = `${haproxy.checkMilliseconds}ms`;
  return ` agent-check agent-port ${member.agentPort} agent-inter ${every} agent-send "${gateQuestion}\\n"`;
}

/** Slow to take a member down, as quick as ever to find it up again. */
function patiently({ failover, haproxy }: ClusterSpec): readonly string[] {
  if (!failover.enabled) return [];
  const { intervalMilliseconds, fall: falls } = patience;
  return [`default-server inter ${intervalMilliseconds}ms downinter ${haproxy.checkMilliseconds}ms fall ${falls}`];
}

/** Strong quotes: nothing in between is special to HAProxy. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}

function sections(...all: readonly (readonly [string, ...string[]])[]): string {
  return all.map(([head, ...lines]) => `${head}\n${lines.map((line) => `  ${line}\n`).join('')}`).join('\n');
}
