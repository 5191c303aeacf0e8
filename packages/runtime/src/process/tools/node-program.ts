import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { programNotBuilt } from '../../errors.js';
import { isRoot } from '../accounts.js';
import { toolsDirectory } from './find-patroni.js';
import { nativePackageFiles } from './native-packages.js';

const bundles = {
  agent: '../../../../agent/dist/agent.mjs',
  net: '../../../../net-worker/dist/net.mjs',
  api: '../../../../../services/gateway/dist/api.mjs',
} as const;

/** Agents and the worker keep little, and there is an agent beside every member; answers of the API go through its memory. */
const small = ['--max-old-space-size=128', '--max-semi-space-size=1'];
const nodeOptions = { agent: small, net: small, api: ['--max-old-space-size=512', '--max-semi-space-size=8'] } as const;

/**
 * Node.js and one of our programs, as its account can run them. The program is copied out of the build, under a name made from its content:
 * the account may not enter the folder of the build, and an update of the build does not change what runs. An account that has no home to copy it
 * to runs it where it is. Throws HF_RUNTIME_PROGRAM_NOT_BUILT.
 */
export function installProgram(name: keyof typeof bundles): readonly [string, ...string[]] {
  const bundle = fileURLToPath(new URL(bundles[name], import.meta.url));
  if (!existsSync(bundle)) throw programNotBuilt(bundle);
  const digest = createHash('sha256').update(readFileSync(bundle)).digest('hex').slice(0, 16);
  if (name === 'api')
    for (const file of nativePackageFiles(bundle)) ensureCopy(file.path, join('node_modules', file.name), 0o644);
  return [ensureNode(), ...nodeOptions[name], ensureCopy(bundle, `${name}-${digest}.mjs`, 0o644)];
}

/** The Node.js that runs this, or, where others may not enter its folder, a copy. */
function ensureNode(): string {
  if (!isRoot() || isOpenToAll(process.execPath)) return process.execPath;
  return ensureCopy(process.execPath, `node-${process.version}`, 0o755);
}

function ensureCopy(from: string, name: string, mode: number): string {
  const directory = toolsDirectory();
  const target = join(directory, name);
  if (existsSync(target)) return target;
  try {
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
  } catch (error) {
    if (isRoot() || !(error instanceof Error && 'code' in error)) throw error;
    return from;
  }
  const partial = `${target}.${process.pid}`;
  try {
    copyFileSync(from, partial);
    chmodSync(partial, mode);
    renameSync(partial, target);
  } finally {
    rmSync(partial, { force: true });
  }
  return target;
}

function isOpenToAll(path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
