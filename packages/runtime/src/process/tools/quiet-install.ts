import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { installFailed } from '../../errors.js';
import { debianServices } from './packages.js';
import { findProgram } from './programs.js';
import { runCommand } from './run-command.js';

/**
 * Installs Debian packages without leaving their services behind: invoke-rc.d asks /usr/sbin/policy-rc.d (101: do not start),
 * postgresql-common is told not to make its `main` cluster, and services of packages that were not there before are disabled.
 * What was installed and running before is left alone. Both files are put back as they were, also after a failure.
 */
export async function installQuietly(
  packages: readonly string[],
  options: { readonly signal: AbortSignal; readonly progress: (text: string) => void },
): Promise<void> {
  const { signal, progress } = options;
  const before = await presentServices();
  const restorePolicy = await denyServiceStarts();
  try {
    const needsPostgres = packages.some((name) => name.startsWith('postgresql-'));
    if (needsPostgres) await aptInstall(['postgresql-common'], signal, progress);
    const restoreClusters = needsPostgres ? await forbidMainCluster() : undefined;
    try {
      await aptInstall(packages, signal, progress);
    } finally {
      await restoreClusters?.();
    }
  } finally {
    await restorePolicy();
  }
  await disableServices(
    (await presentServices()).filter((name) => !before.includes(name)),
    signal,
  );
}

/** Refreshes apt's package lists. */
export async function aptUpdate(signal: AbortSignal): Promise<void> {
  await apt(['-q', 'update'], signal, () => {});
}

async function aptInstall(
  packages: readonly string[],
  signal: AbortSignal,
  progress: (text: string) => void,
): Promise<void> {
  let told = 0;
  await apt(['-q', '-y', '--no-install-recommends', 'install', ...packages], signal, (line) => {
    // A line a package would drown everything else in a log.
    if (performance.now() - told < 2000) return;
    const step = /^(?:Setting up|Unpacking|Get:\d+ \S+ \S+) (\S+)/.exec(line);
    if (step?.[1] === undefined) return;
    told = performance.now();
    progress(`Installing system packages: ${step[1].replace(/:amd64$/, '')}`);
  });
}

async function apt(args: readonly string[], signal: AbortSignal, onLine: (line: string) => void): Promise<void> {
  const result = await runCommand(['apt-get', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    signal,
    timeoutMilliseconds: 20 * 60_000,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
    onLine,
  });
  if (result.code !== 0) throw installFailed(`apt-get ${args.join(' ')}`, result.stderr + result.stdout);
}

const policyFile = '/usr/sbin/policy-rc.d';
const policyMark = '# holdfast: no service starts while packages are installed';

async function denyServiceStarts(): Promise<() => Promise<void>> {
  const existing = await readFile(policyFile, 'utf8').catch(() => undefined);
  // An interrupted installation of ours may have left its file behind.
  if (existing !== undefined && !existing.includes(policyMark)) return async () => {};
  await writeFile(policyFile, `#!/bin/sh\n${policyMark}\nexit 101\n`, { mode: 0o755 });
  return async () => await rm(policyFile, { force: true });
}

const clusterFile = '/etc/postgresql-common/createcluster.conf';
const clusterLine = 'create_main_cluster = false # holdfast: only while packages are installed\n';

async function forbidMainCluster(): Promise<() => Promise<void>> {
  const text = (await readFile(clusterFile, 'utf8').catch(() => '')).replace(clusterLine, '');
  await writeFile(clusterFile, text + (text === '' || text.endsWith('\n') ? '' : '\n') + clusterLine);
  return async () => await writeFile(clusterFile, text);
}

async function presentServices(): Promise<readonly string[]> {
  const present = await Promise.all(
    debianServices.map(async (name) => {
      for (const folder of ['/lib/systemd/system', '/usr/lib/systemd/system', '/etc/init.d']) {
        for (const path of [`${folder}/${name}.service`, `${folder}/${name}`]) {
          if (
            await access(path).then(
              () => true,
              () => false,
            )
          )
            return name;
        }
      }
      return undefined;
    }),
  );
  return present.filter((name) => name !== undefined);
}

/** By systemctl; where systemd is not installed, the links that its packages' scripts made for the day it is. */
async function disableServices(names: readonly string[], signal: AbortSignal): Promise<void> {
  if (names.length === 0) return;
  if ((await findProgram('systemctl')) === undefined) {
    for (const name of names) await rm(`/etc/systemd/system/multi-user.target.wants/${name}.service`, { force: true });
    return;
  }
  const booted = await access('/run/systemd/system').then(
    () => true,
    () => false,
  );
  const order = ['systemctl', 'disable', '--quiet', ...(booted ? ['--now'] : []), ...names] as const;
  const result = await runCommand(order, { signal, timeoutMilliseconds: 60_000 });
  if (result.code !== 0) throw installFailed(order.join(' '), result.stderr);
}
