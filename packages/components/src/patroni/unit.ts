import { join } from 'node:path';
import { type MemberSpec, secret } from '@holdfast/spec';
import { apiUser } from '../accounts.js';
import { connectHost, listenHost, patroniUrl, yieldingMilliseconds, yieldToFirstWrite } from '../addresses.js';
import { memberDataDirectory, unitData, unitDirectory } from '../paths.js';
import type { PlanInput } from '../plan.js';
import type { Probe, Unit, Yielding } from '../unit.js';
import { renderPatroniConfiguration } from './configuration.js';
import { pgIsreadyPath, renderPgIsready } from './pg-isready.js';
import { promptLauncher, promptLauncherPath, withPromptLauncher } from './prompt-launcher.js';

/** One unit a member, `pg1` …: Patroni and the PostgreSQL that it runs. */
export function planPatroni(input: PlanInput): readonly Unit[] {
  return input.spec.members.map((member) => planMember(input, member));
}

function planMember(input: PlanInput, member: MemberSpec): Unit {
  const { stateDirectory, tools, accounts } = input.layout;
  const directory = unitDirectory(stateDirectory, member.name);
  const configuration = join(directory, 'patroni.yml');
  const host = listenHost(input.layout, member.host);
  const launcher = promptLauncherPath(stateDirectory, member.name);
  const argv = withPromptLauncher(tools.patroni.argv, launcher);
  return {
    id: member.name,
    component: 'patroni',
    host: connectHost(member.host),
    argv: [...argv, configuration],
    env: {
      ...tools.patroni.env,
      PATH: `${tools.postgresBin}:/usr/bin:/bin`,
      LANG: 'C.UTF-8',
      LC_ALL: 'C.UTF-8',
      PATRONI_SUPERUSER_PASSWORD: secret('postgres'),
      PATRONI_REPLICATION_PASSWORD: secret('replication'),
      PATRONI_REWIND_PASSWORD: secret('rewind'),
      PATRONI_RESTAPI_USERNAME: apiUser,
      PATRONI_RESTAPI_PASSWORD: secret('patroni-api'),
    },
    files: [
      {
        path: configuration,
        mode: 0o600,
        content: renderPatroniConfiguration(input, member),
        onChange: 'reload',
      },
      {
        path: pgIsreadyPath(stateDirectory, member.name),
        mode: 0o700,
        content: renderPgIsready(tools.postgresBin),
        onChange: 'nothing',
      },
      // Read at the start only, and no reason to restart a member.
      { path: launcher, mode: 0o600, content: promptLauncher, onChange: 'nothing' },
    ],
    volumes: [
      // Patroni writes the pgpass file here.
      { path: directory, mode: 0o700, persistent: false },
      { path: unitData(stateDirectory, member.name), mode: 0o700, persistent: true },
    ],
    ports: [
      { name: 'postgres', host, port: member.port },
      { name: 'patroni', host, port: member.patroniPort },
    ],
    user: accounts.patroni,
    namespace: member.namespace,
    workingDirectory: directory,
    readiness: liveness(member),
    stop: { signal: 'SIGTERM', graceSeconds: 60 },
    restart: { minMilliseconds: 500, maxMilliseconds: 10_000 },
    reloadSignal: 'SIGHUP',
    // A ready etcd member says that there is a quorum; without one Patroni would sleep 5 s between its attempts. The launcher waits for it as
    // well, where it needs no certificate to ask, and does what can be done meanwhile.
    after: {
      units: input.spec.etcd.members.map((each) => each.name),
      atLeast: 1,
      waitsByItself: argv.includes(launcher) && input.layout.etcdTls === undefined,
      ...planYielding(input, member),
    },
    territory: memberDataDirectory(stateDirectory, member.name),
  };
}

/** Ready when Patroni answers at all: 503 only says that its loop has not run yet. */
function liveness(member: MemberSpec): Probe {
  return { kind: 'http', url: `${patroniUrl(member)}/liveness`, statuses: [200, 503], timeoutMilliseconds: 2000 };
}

/**
 * On a first start the first member makes the database, and needs a whole core for it: the member whose copy the first commit waits for loads its
 * Patroni once that of the first one runs. Copies that no commit waits for are made after the first write.
 */
function planYielding({ spec, layout }: PlanInput, member: MemberSpec): { readonly yieldsTo?: Yielding } {
  const [first] = spec.members;
  if (first === undefined || member === first) return {};
  const { mode, standbys } = spec.synchronous;
  const waitedFor = mode === 'off' ? 0 : Math.max(1, standbys);
  const data = memberDataDirectory(layout.stateDirectory, member.name);
  if (spec.members.indexOf(member) > waitedFor) return { yieldsTo: yieldToFirstWrite(spec, data) };
  return { yieldsTo: { until: liveness(first), atMostMilliseconds: yieldingMilliseconds, unlessExists: data } };
}
