import { secret, type Template } from '@holdfast/spec';
import { poolerAdmin, poolerRole } from '../accounts.js';
import { connectHost, listenHost } from '../addresses.js';
import type { PlanInput } from '../plan.js';

/**
 * pgbouncer.ini (https://www.pgbouncer.org/config.html); understood by 1.18 and later. Every database is served, through
 * HAProxy's read-write port; who may log in is PostgreSQL's to say: `pgbouncer.get_auth` looks the verifier up.
 */
export function renderPgbouncerConfiguration(input: PlanInput, userlistFile: string): string {
  const { haproxy, pooler } = input.spec;
  const queueSeconds = Math.max(1, Math.ceil(haproxy.queueMilliseconds / 1000));
  const settings: readonly (readonly [string, string | number])[] = [
    ['listen_addr', listenHost(input.layout, pooler.host)],
    ['listen_port', pooler.port],
    // Empty: TCP only.
    ['unix_socket_dir', ''],
    ['auth_type', 'scram-sha-256'],
    ['auth_file', userlistFile],
    ['auth_user', poolerRole],
    ['auth_query', 'SELECT usename, passwd FROM pgbouncer.get_auth($1)'],
    // Pauses and resumes; the password is the cluster's secret. The other one may only SHOW.
    ['admin_users', poolerAdmin],
    ['stats_users', poolerRole],
    ['pool_mode', pooler.mode],
    ['default_pool_size', pooler.poolSize],
    ['max_client_conn', pooler.maxClientConnections],
    ['ignore_startup_parameters', 'extra_float_digits'],
    // HAProxy holds a connection while there is no primary: wait for it a little longer than it does.
    ['server_connect_timeout', queueSeconds + 5],
    ['query_wait_timeout', queueSeconds],
    ['server_login_retry', 1],
    ['log_connections', 0],
    ['log_disconnections', 0],
    ['log_stats', 0],
  ];
  return [
    '[databases]',
    `* = host=${connectHost(haproxy.host)} port=${haproxy.readWritePort}`,
    '',
    '[pgbouncer]',
    ...settings.map(([name, value]) => `${name} = ${value}`.trimEnd()),
    '',
  ].join('\n');
}

/** userlist.txt: the role that PgBouncer itself logs in as, and the user of its console. Secrets hold no quotes and no line breaks. */
export function renderPgbouncerUserlist(): Template {
  return [`"${poolerRole}" "`, secret('pgbouncer'), `"\n"${poolerAdmin}" "`, secret('pooler-admin'), '"\n'];
}
