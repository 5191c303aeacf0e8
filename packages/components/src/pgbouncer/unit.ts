import { join } from 'node:path';
import { connectHost, listenHost, yieldToFirstWrite } from '../addresses.js';
import { unitDirectory } from '../paths.js';
import type { PlanInput } from '../plan.js';
import type { Unit } from '../unit.js';
import { renderPgbouncerConfiguration, renderPgbouncerUserlist } from './configuration.js';

/** The pooler, or nothing where the spec turns it off. */
export function planPgbouncer(input: PlanInput): readonly Unit[] {
  const { spec, layout } = input;
  if (!spec.pooler.enabled) return [];
  const directory = unitDirectory(layout.stateDirectory, 'pgbouncer');
  const configuration = join(directory, 'pgbouncer.ini');
  const userlist = join(directory, 'userlist.txt');
  const { host, port } = spec.pooler;
  return [
    {
      id: 'pgbouncer',
      component: 'pgbouncer',
      host: connectHost(host),
      argv: [layout.tools.pgbouncer, configuration],
      env: {},
      files: [
        {
          path: configuration,
          mode: 0o600,
          content: renderPgbouncerConfiguration(input, userlist),
          onChange: 'reload',
        },
        { path: userlist, mode: 0o600, content: renderPgbouncerUserlist(), onChange: 'reload' },
      ],
      volumes: [{ path: directory, mode: 0o700, persistent: false }],
      ports: [{ name: 'pooler', host: listenHost(layout, host), port }],
      user: layout.accounts.pgbouncer,
      workingDirectory: directory,
      readiness: { kind: 'tcp', host: connectHost(host), port, timeoutMilliseconds: 1000 },
      // Lets running transactions end; SIGTERM would cut them in versions before 1.23.
      stop: { signal: 'SIGINT', graceSeconds: 5 },
      restart: { minMilliseconds: 100, maxMilliseconds: 5000 },
      reloadSignal: 'SIGHUP',
      after: { units: ['haproxy'], atLeast: 1, yieldsTo: yieldToFirstWrite(spec) },
      territory: undefined,
    },
  ];
}
