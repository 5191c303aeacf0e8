import { join } from 'node:path';
import { connectHost, httpUrl, yieldToFirstWrite } from '../addresses.js';
import { unitDirectory } from '../paths.js';
import type { PlanInput } from '../plan.js';
import type { Unit } from '../unit.js';
import { apiKeysCopy, apiMailPasswordCopy, apiUnitId, renderApiConfiguration } from './configuration.js';

/** Supabase's API, or nothing where the spec turns it off. */
export function planApi(input: PlanInput): readonly Unit[] {
  const { spec, layout } = input;
  const { api } = spec;
  if (!api.enabled) return [];
  const directory = unitDirectory(layout.stateDirectory, apiUnitId);
  const configuration = join(directory, 'api.json');
  const mailPassword = apiMailPasswordCopy(layout, api);
  return [
    {
      id: apiUnitId,
      component: 'api',
      host: connectHost(api.host),
      argv: [...layout.tools.api, configuration],
      env: { NODE_ENV: 'production' },
      files: [{ path: configuration, mode: 0o600, content: renderApiConfiguration(input), onChange: 'restart' }],
      copies: [apiKeysCopy(layout), ...(mailPassword === undefined ? [] : [mailPassword])],
      volumes: [{ path: directory, mode: 0o700, persistent: false }],
      ports: [{ name: 'api', host: layout.listen ?? api.host, port: api.port }],
      user: layout.accounts.api,
      workingDirectory: directory,
      // It answers for itself from the start; a database that is not there yet makes requests wait.
      readiness: {
        kind: 'http',
        url: `${httpUrl(api.host, api.port)}/health`,
        statuses: [200, 503],
        timeoutMilliseconds: 4000,
      },
      // What is under way gets 10 s to end.
      stop: { signal: 'SIGTERM', graceSeconds: 12 },
      restart: { minMilliseconds: 100, maxMilliseconds: 5000 },
      reloadSignal: undefined,
      after: { units: ['haproxy'], atLeast: 1, yieldsTo: yieldToFirstWrite(spec) },
      territory: undefined,
    },
  ];
}
