import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { PatroniTool } from '@holdfast/components';
import { toolUnusable } from '../../errors.js';
import { judgePatroniVersion, parsePatroniVersion } from './patroni-version.js';
import { findProgram, isExecutable } from './programs.js';
import { runCommand } from './run-command.js';

/** The interpreter that Debian's Python packages belong to; another `python3` in PATH does not see them. */
export const systemPython = '/usr/bin/python3';

/** Written beside an unpacked Patroni once it is complete. */
export interface UnpackedPatroni {
  readonly version: string;
  /** Debian's version, for example `4.0.7-3~deb13u1`. */
  readonly packageVersion: string;
  readonly suite: string;
  readonly sha256: string;
}

export const unpackedMarker = 'holdfast.json';

/** Where privately unpacked programs go: for everybody when root, else for this account. */
export function toolsDirectory(): string {
  if (process.getuid?.() === 0) return '/var/lib/holdfast/tools';
  return join(process.env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'holdfast', 'tools');
}

export interface PatroniSearch {
  readonly found: PatroniTool | undefined;
  /** Those that are there and must not be used, with the reason. */
  readonly refused: readonly string[];
}

/**
 * Patroni ≥ 4.0: HOLDFAST_PATRONI (a script, or a folder that a Debian package was unpacked into), else the system's, else one unpacked privately.
 * Throws HF_TOOLS_UNUSABLE when HOLDFAST_PATRONI names something else: what was asked for by name is never silently replaced.
 */
export async function findPatroni(signal: AbortSignal): Promise<PatroniSearch> {
  const named = process.env.HOLDFAST_PATRONI;
  if (named !== undefined && named !== '') {
    const tool = (await isExecutable(join(named, 'usr/bin/patroni'))) ? unpackedAt(named) : await installedAt(named);
    const version = await versionOf(tool, signal);
    if (version === undefined) {
      throw toolUnusable(
        `HOLDFAST_PATRONI=${named}`,
        'it does not answer to --version.',
        'Name a patroni script, or a folder with usr/bin/patroni.',
      );
    }
    const judgement = judgePatroniVersion(version);
    if (!judgement.sound)
      throw toolUnusable(`HOLDFAST_PATRONI=${named}`, judgement.reason, 'Unset it, or name Patroni 4.0 or later.');
    return { found: { ...tool, version, origin: `HOLDFAST_PATRONI (${named})` }, refused: [] };
  }

  const refused: string[] = [];
  const system = await findProgram('patroni');
  if (system !== undefined) {
    const tool = await installedAt(system);
    const version = await versionOf(tool, signal);
    const judgement =
      version === undefined ? ({ sound: false, reason: 'it does not run.' } as const) : judgePatroniVersion(version);
    if (version !== undefined && judgement.sound) {
      return { found: { ...tool, version, origin: `the system's (${system})` }, refused };
    }
    if (!judgement.sound) refused.push(`${system}: ${judgement.reason}`);
  }

  for (const root of new Set([toolsDirectory(), '/var/lib/holdfast/tools'])) {
    const unpacked = await newestUnpacked(root);
    if (unpacked !== undefined) return { found: unpacked, refused };
  }
  return { found: undefined, refused };
}

/** A Patroni unpacked from a Debian package below `root`. */
export function unpackedAt(root: string): Pick<PatroniTool, 'argv' | 'ctlArgv' | 'env'> {
  return {
    argv: [systemPython, join(root, 'usr/bin/patroni')],
    ctlArgv: [systemPython, join(root, 'usr/bin/patronictl')],
    env: { PYTHONPATH: join(root, 'usr/lib/python3/dist-packages') },
  };
}

/** With the interpreter named, as the kernel would run it (execve(2)), so that Patroni can be started through a launcher. */
async function installedAt(script: string): Promise<Pick<PatroniTool, 'argv' | 'ctlArgv' | 'env'>> {
  const text = await readFile(script, 'latin1').catch(() => '');
  const [, python, option] = /^#![ \t]*(\/\S*\/python[\d.]*)(?:[ \t]+(\S.*?))?[ \t]*\n/.exec(text) ?? [];
  const argv: [string, ...string[]] =
    python === undefined ? [script] : [python, ...(option === undefined ? [] : [option]), script];
  return { argv, ctlArgv: [script.replace(/patroni$/, 'patronictl')], env: {} };
}

export async function versionOf(
  tool: Pick<PatroniTool, 'argv' | 'env'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const result = await runCommand([...tool.argv, '--version'], {
      signal,
      timeoutMilliseconds: 20_000,
      env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', ...tool.env },
    });
    return result.code === 0 ? parsePatroniVersion(result.stdout) : undefined;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

async function newestUnpacked(root: string): Promise<PatroniTool | undefined> {
  const folders = (await readdir(root).catch(() => []))
    .filter((name) => name.startsWith('patroni-'))
    .sort()
    .reverse();
  for (const folder of folders) {
    const path = join(root, folder);
    const marker = await readMarker(path);
    if (marker === undefined || !judgePatroniVersion(marker.version).sound) continue;
    return {
      ...unpackedAt(path),
      version: marker.version,
      origin: `Debian package ${marker.packageVersion} (${marker.suite}), unpacked in ${path}`,
    };
  }
  return undefined;
}

async function readMarker(path: string): Promise<UnpackedPatroni | undefined> {
  const text = await readFile(join(path, unpackedMarker), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const value = JSON.parse(text) as Partial<UnpackedPatroni>;
  const { version, packageVersion, suite, sha256 } = value;
  if (version === undefined || packageVersion === undefined || suite === undefined || sha256 === undefined)
    return undefined;
  return { version, packageVersion, suite, sha256 };
}
