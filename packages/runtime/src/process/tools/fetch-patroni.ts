import { createHash } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installFailed, patroniNotFetched } from '../../errors.js';
import { type AptSourceFile, findMirror } from './apt-sources.js';
import {
  systemPython,
  toolsDirectory,
  type UnpackedPatroni,
  unpackedAt,
  unpackedMarker,
  versionOf,
} from './find-patroni.js';
import { readOperatingSystem } from './os-release.js';
import { judgePatroniVersion } from './patroni-version.js';
import { type CommandResult, runCommand } from './run-command.js';

/** The Debian release whose Patroni is sound; its package is architecture-independent Python. */
const suite = 'trixie';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const elsewhere =
  "Install Patroni 4.0 or later (for example from the PostgreSQL project's packages) and name it: HOLDFAST_PATRONI=/path/to/patroni";

/**
 * Fetches Debian 13's patroni package and unpacks it into a private folder; nothing of the system's package state changes.
 * apt does the fetching, in directories of its own, from the mirror of the machine's own sources, and checks Debian's signatures.
 * Errors: HF_TOOLS_PATRONI where there is no Debian mirror or keyring, HF_TOOLS_INSTALL when apt fails.
 */
export async function fetchPatroni(options: {
  readonly signal: AbortSignal;
  readonly progress: (text: string) => void;
}): Promise<void> {
  const system = await readOperatingSystem();
  const mirror =
    system.id === 'debian' && system.codename !== undefined
      ? findMirror(await readAptSources(), system.codename)
      : undefined;
  if (mirror === undefined)
    throw patroniNotFetched(`${system.name} has no Debian mirror in its apt sources.`, elsewhere);

  const work = await mkdtemp(join(tmpdir(), 'holdfast-patroni-'));
  try {
    const apt = await preparePrivateApt(work, mirror);
    const run = async (argv: readonly [string, ...string[]]): Promise<CommandResult> => {
      const result = await runCommand(argv, { signal: options.signal, timeoutMilliseconds: 180_000, cwd: work });
      if (result.code !== 0) throw installFailed(argv.join(' '), result.stderr + result.stdout);
      return result;
    };
    options.progress(`Reading the package list of Debian 13 (${suite})`);
    await run(['apt-get', ...apt, '-q', 'update']);
    options.progress('Fetching Patroni');
    await run(['apt-get', ...apt, '-q', 'download', 'patroni']);
    const file = (await readdir(work)).find((name) => name.startsWith('patroni_') && name.endsWith('.deb'));
    if (file === undefined) throw patroniNotFetched('apt-get download left no package behind.', elsewhere);
    await unpack(join(work, file), run, options.signal);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function unpack(
  deb: string,
  run: (argv: readonly [string, ...string[]]) => Promise<CommandResult>,
  signal: AbortSignal,
): Promise<void> {
  const tools = toolsDirectory();
  await mkdir(tools, { recursive: true, mode: 0o755 });
  const temporary = await mkdtemp(join(tools, '.unpacking-'));
  try {
    await run(['dpkg-deb', '-x', deb, temporary]);
    const packageVersion = (await run(['dpkg-deb', '-f', deb, 'Version'])).stdout.trim();
    const version = await versionOf(unpackedAt(temporary), signal);
    if (version === undefined) {
      throw patroniNotFetched(
        'The fetched Patroni does not start: a Python library that it needs is missing.',
        'holdfast doctor',
      );
    }
    const judgement = judgePatroniVersion(version);
    if (!judgement.sound) throw patroniNotFetched(judgement.reason, elsewhere);
    // The account that runs Patroni cannot write here, so Python could never keep what it compiles.
    await run([systemPython, '-m', 'compileall', '-q', join(temporary, 'usr/lib/python3/dist-packages/patroni')]);
    const sha256 = createHash('sha256')
      .update(await readFile(deb))
      .digest('hex');
    const marker: UnpackedPatroni = { version, packageVersion, suite: `Debian 13, ${suite}`, sha256 };
    await writeFile(join(temporary, unpackedMarker), `${JSON.stringify(marker, null, 2)}\n`);
    await chmod(temporary, 0o755);
    const target = join(tools, `patroni-${version}`);
    await rm(target, { recursive: true, force: true });
    await rename(temporary, target);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Options that keep apt within `work`; its own download account must be able to write there. */
async function preparePrivateApt(work: string, mirror: string): Promise<readonly string[]> {
  const parts = join(work, 'sources.list.d');
  for (const folder of ['sources.list.d', 'lists/partial', 'cache/archives/partial']) {
    await mkdir(join(work, folder), { recursive: true });
  }
  await writeFile(
    join(parts, 'patroni.sources'),
    `Types: deb\nURIs: ${mirror}\nSuites: ${suite}\nComponents: main\nSigned-By: ${keyring}\n`,
  );
  const sandbox = await aptAccount();
  if (process.getuid?.() === 0 && sandbox !== undefined) {
    for (const path of [work, join(work, 'lists'), join(work, 'lists/partial'), join(work, 'cache/archives/partial')]) {
      await chown(path, sandbox.uid, sandbox.gid);
    }
  }
  const settings = {
    'Dir::Etc::sourcelist': '/dev/null',
    'Dir::Etc::sourceparts': parts,
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::State::lists': join(work, 'lists'),
    'Dir::Cache': join(work, 'cache'),
    'Acquire::Languages': 'none',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

async function aptAccount(): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((entry) => entry.startsWith('_apt:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

async function readAptSources(): Promise<readonly AptSourceFile[]> {
  const folder = '/etc/apt/sources.list.d';
  const names = (await readdir(folder).catch(() => []))
    .filter((name) => name.endsWith('.sources') || name.endsWith('.list'))
    .sort();
  const files = ['/etc/apt/sources.list', ...names.map((name) => join(folder, name))];
  return await Promise.all(files.map(async (name) => ({ name, text: await readFile(name, 'utf8').catch(() => '') })));
}
