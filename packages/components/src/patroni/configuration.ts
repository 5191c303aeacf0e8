import { join } from 'node:path';
import type { MemberSpec } from '@holdfast/spec';
import { stringify } from 'yaml';
import { replicationRole, rewindRole, superuserRole } from '../accounts.js';
import { connectHost, etcdFrom, etcdProtocol, hostPort, listenHost, patroniNamespace } from '../addresses.js';
import { memberDataDirectory, unitDirectory } from '../paths.js';
import type { Layout, PlanInput } from '../plan.js';
import { renderDynamicConfiguration } from './dynamic-configuration.js';
import { pgIsreadyPath } from './pg-isready.js';

/**
 * patroni.yml of one member (https://patroni.readthedocs.io/en/latest/yaml_configuration.html). Passwords are not in
 * it: Patroni merges them in from PATRONI_… variables.
 */
export function renderPatroniConfiguration(input: PlanInput, member: MemberSpec): string {
  const { spec, layout } = input;
  const address = hostPort(connectHost(member.host), member.port);
  const document = {
    scope: spec.name,
    namespace: patroniNamespace,
    name: member.name,
    log: { level: 'INFO' },
    restapi: {
      listen: hostPort(listenHost(layout, member.host), member.patroniPort),
      connect_address: hostPort(connectHost(member.host), member.patroniPort),
      // Health checks come in bursts; a connection that the default queue of 5 drops costs a second.
      request_queue_size: 128,
    },
    etcd3: {
      protocol: etcdProtocol(layout),
      ...etcdCertificates(layout),
      // Patroni then keeps to this order; else it would choose one at random, and lose seconds when that one is cut off with the primary.
      use_proxies: true,
      hosts: etcdFrom(spec, member.name).map((each) => hostPort(connectHost(each.host), each.clientPort)),
    },
    bootstrap: {
      // Read only while the DCS has no /config, that is by the very first start.
      dcs: renderDynamicConfiguration(spec),
      initdb: [
        'data-checksums',
        { encoding: 'UTF8' },
        { locale: 'C.UTF-8' },
        { 'auth-host': 'scram-sha-256' },
        { 'auth-local': 'scram-sha-256' },
      ],
    },
    postgresql: {
      listen: hostPort(listenHost(layout, member.host), member.port),
      connect_address: address,
      data_dir: memberDataDirectory(layout.stateDirectory, member.name),
      bin_dir: layout.tools.postgresBin,
      bin_name: { pg_isready: pgIsreadyPath(layout.stateDirectory, member.name) },
      pgpass: join(unitDirectory(layout.stateDirectory, member.name), 'pgpass'),
      // A rewind that was cut off in the middle, as by the loss of the member it copied from, leaves a mixture that can neither be started nor
      // rewound again; without this the member would wait for an operator. Nothing acknowledged is in it, but in asynchronous mode.
      remove_data_directory_on_rewind_failure: spec.synchronous.mode !== 'off',
      use_unix_socket: false,
      use_unix_socket_repl: false,
      authentication: {
        superuser: { username: superuserRole },
        replication: { username: replicationRole },
        rewind: { username: rewindRole },
      },
    },
    watchdog: { mode: 'off' },
    tags: {},
    // For the launcher (quick-start.ts): the first member makes the database while etcd elects its leader. Patroni does not read it.
    holdfast: { early_initdb: member.name === spec.members[0]?.name },
  };
  // Patroni reads YAML 1.1, where a plain `off` is a boolean: version 1.1 quotes what has to be quoted.
  return stringify(document, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false });
}

function etcdCertificates({ etcdTls }: Layout): Readonly<Record<string, string>> {
  if (etcdTls === undefined) return {};
  const { ca, certificate, key } = etcdTls.client;
  return { cacert: ca, cert: certificate, key };
}
