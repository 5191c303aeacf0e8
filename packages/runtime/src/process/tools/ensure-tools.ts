import type { Tools } from '@holdfast/components';
import { patroniNotFetched, toolsMissing, toolUnusable } from '../../errors.js';
import { fetchPatroni } from './fetch-patroni.js';
import { findTools, type ToolSearch } from './find-tools.js';
import { readOperatingSystem } from './os-release.js';
import {
  choosePackages,
  consideredPackages,
  type PackageChoice,
  parseAptPolicy,
  patroniLibraries,
} from './packages.js';
import { aptUpdate, installQuietly } from './quiet-install.js';
import { runCommand } from './run-command.js';

export interface EnsureToolsOptions {
  readonly major: number | undefined;
  /** False: `--no-install`; what is missing is an error. */
  readonly install: boolean;
  readonly signal: AbortSignal;
  readonly progress: (text: string) => void;
}

/**
 * The programs of a cluster, installed first where they are missing: by apt as root on Debian and its relatives.
 * Elsewhere HF_TOOLS_MISSING with the exact command to run.
 */
export async function ensureTools(options: EnsureToolsOptions): Promise<Tools> {
  const { major, signal } = options;
  const search = await findTools({ major, signal });
  if (search.tools !== undefined) return search.tools;
  const system = await readOperatingSystem();
  const isRoot = process.getuid?.() === 0;

  if (!options.install || !system.hasApt)
    throw toolsMissing(reasons(search), manualCommand(search, system.hasApt, major));
  const onlyPatroniToFetch = search.missing.every(({ tool }) => tool === 'patroni');
  if (!isRoot && !onlyPatroniToFetch) throw toolsMissing(reasons(search), manualCommand(search, true, major));

  if (isRoot) {
    options.progress('Reading package lists');
    await aptUpdate(signal);
  }
  const choice = await chooseFor(search, major, signal);
  if (choice.unavailable.length > 0) {
    throw toolUnusable(
      choice.unavailable.join(', '),
      `${system.name} has no package for it.`,
      'Install it by other means so that it is found in PATH.',
    );
  }
  if (isRoot && choice.packages.length > 0) {
    options.progress(`Installing system packages: ${choice.packages.join(' ')}`);
    await installQuietly(choice.packages, { signal, progress: options.progress });
  }
  if (choice.fetchPatroni) await fetchPatroni({ signal, progress: options.progress });

  const again = await findTools({ major, signal });
  if (again.tools === undefined) {
    if (again.missing.every(({ tool }) => tool === 'patroni')) {
      throw patroniNotFetched(
        reasons(again).join('\n'),
        'Install Patroni 4.0 or later and name it: HOLDFAST_PATRONI=/path/to/patroni',
      );
    }
    throw toolsMissing(reasons(again), manualCommand(again, system.hasApt, major));
  }
  return again.tools;
}

function reasons(search: ToolSearch): readonly string[] {
  return search.missing.map(({ reason }) => `- ${reason}`);
}

async function chooseFor(search: ToolSearch, major: number | undefined, signal: AbortSignal): Promise<PackageChoice> {
  const policy = await runCommand(['apt-cache', 'policy', ...consideredPackages], {
    signal,
    timeoutMilliseconds: 60_000,
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  return choosePackages(
    search.missing.map(({ tool }) => tool),
    parseAptPolicy(policy.stdout),
    major,
  );
}

/** Pure: one line that an administrator can paste. */
export function manualCommand(search: Pick<ToolSearch, 'missing'>, hasApt: boolean, major: number | undefined): string {
  if (!hasApt) {
    return `Install ${search.missing.map(({ tool }) => tool).join(', ')} with this system's package manager so that they are found in PATH (HOLDFAST_PATRONI names Patroni).`;
  }
  const packages = new Set<string>();
  for (const { tool } of search.missing) {
    if (tool === 'etcd') packages.add('etcd-server');
    else if (tool === 'postgres') packages.add(major === undefined ? 'postgresql' : `postgresql-${major}`);
    else if (tool === 'patroni') for (const library of patroniLibraries) packages.add(library);
    else packages.add(tool);
  }
  return `sudo apt-get install --no-install-recommends ${[...packages].sort().join(' ')}`;
}
