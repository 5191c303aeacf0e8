import { join } from 'node:path';
import { secret } from '@holdfast/spec';
import { connectHost, haproxyStatsUrl, listenHost } from '../addresses.js';
import { unitDirectory } from '../paths.js';
import type { PlanInput } from '../plan.js';
import type { Unit } from '../unit.js';
import { adminPasswordVariable, renderHaproxyConfiguration, statsPasswordVariable } from './configuration.js';
import { holdScript } from './hold.js';

export function planHaproxy(input: PlanInput): Unit {
  const { spec, layout } = input;
  const { readWritePort, readOnlyPort, statsPort } = spec.haproxy;
  const host = listenHost(layout, spec.haproxy.host);
  const directory = unitDirectory(layout.stateDirectory, 'haproxy');
  const configuration = join(directory, 'haproxy.cfg');
  return {
    id: 'haproxy',
    component: 'haproxy',
    host: connectHost(spec.haproxy.host),
    // Master and worker, so that SIGUSR2 loads a new configuration without losing a session; in the foreground.
    argv: [layout.tools.haproxy, '-W', '-db', '-f', configuration],
    env: { [statsPasswordVariable]: secret('haproxy-stats'), [adminPasswordVariable]: secret('haproxy-admin') },
    files: [
      { path: configuration, mode: 0o600, content: renderHaproxyConfiguration(input), onChange: 'reload' },
      { path: join(directory, 'hold.lua'), mode: 0o600, content: holdScript, onChange: 'reload' },
    ],
    // HAProxy makes its sockets here.
    volumes: [{ path: directory, mode: 0o700, persistent: false }],
    ports: [
      { name: 'read-write', host, port: readWritePort },
      { name: 'read-only', host, port: readOnlyPort },
      { name: 'stats', host, port: statsPort },
    ],
    user: layout.accounts.haproxy,
    workingDirectory: directory,
    readiness: {
      kind: 'http',
      url: `${haproxyStatsUrl(spec.haproxy)}/healthz`,
      statuses: [200],
      timeoutMilliseconds: 1000,
    },
    stop: { signal: 'SIGTERM', graceSeconds: 5 },
    restart: { minMilliseconds: 100, maxMilliseconds: 5000 },
    reloadSignal: 'SIGUSR2',
    after: { units: spec.members.map((member) => member.name), atLeast: 1 },
    territory: undefined,
  };
}
