import { join } from 'node:path';
import { secret } from '@holdfast/spec';
import { connectHost, yieldToFirstWrite } from '../addresses.js';
import { unitDirectory } from '../paths.js';
import type { PlanInput } from '../plan.js';
import type { Unit } from '../unit.js';
import { netPasswordVariable, renderNetConfiguration } from './configuration.js';

/** The worker that makes the requests from SQL, one beside each HAProxy, or nothing where the spec turns it off. */
export function planNet({ spec, layout }: PlanInput): readonly Unit[] {
  if (!spec.supabase.net.enabled) return [];
  const id = 'net';
  const directory = unitDirectory(layout.stateDirectory, id);
  const configuration = join(directory, 'net.json');
  return [
    {
      id,
      component: 'net',
      host: connectHost(spec.haproxy.host),
      argv: [...layout.tools.net, configuration],
      env: {
        NODE_ENV: 'production',
        // Names are looked up on these threads, and one that nobody answers for holds its thread for seconds.
        UV_THREADPOOL_SIZE: '16',
        [netPasswordVariable]: secret('net'),
      },
      files: [
        {
          path: configuration,
          mode: 0o600,
          content: `${JSON.stringify(renderNetConfiguration(spec), null, 2)}\n`,
          onChange: 'restart',
        },
      ],
      volumes: [{ path: directory, mode: 0o700, persistent: false }],
      ports: [],
      user: layout.accounts.net,
      workingDirectory: directory,
      // It waits for the database by itself, and must not make others wait.
      readiness: { kind: 'running' },
      // Requests that are under way get 3 s to end.
      stop: { signal: 'SIGTERM', graceSeconds: 5 },
      restart: { minMilliseconds: 100, maxMilliseconds: 5000 },
      reloadSignal: undefined,
      after: { units: ['haproxy'], atLeast: 1, yieldsTo: yieldToFirstWrite(spec) },
      territory: undefined,
    },
  ];
}
