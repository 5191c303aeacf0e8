import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, readFile, readlink, realpath, stat, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { writeFileAtomically } from '@holdfast/runtime';
import type { RuntimeKind } from '@holdfast/spec';
import { stateDirectoryForeign, stateDirectoryNotOurs, stateDirectoryUnusable } from '../errors.js';

/** Longer and the Unix sockets below it would not fit into sun_path (108 bytes). */
const longestPath = 80;

/** What a state folder says of itself, in cluster.json. */
export interface ClusterMarker {
  readonly name: string;
  readonly createdAt: string;
  /** What runs it, once it was brought up; undefined in folders of earlier versions: `process`. */
  readonly runtime?: RuntimeKind;
  /** PostgreSQL's system identifier, once the first primary was up; decimal. */
  readonly systemIdentifier?: string;
  readonly postgresMajor?: number;
}

/** What tells this state folder from every other one, of the same name too. Pure. */
export function ownerOf(marker: ClusterMarker): string {
  return createHash('sha256').update(`${marker.name} ${marker.createdAt}`).digest('hex').slice(0, 16);
}

/** `.holdfast/<name>` beside the spec, or what the spec names; may be a link. */
export function stateDirectoryPath(base: string, name: string, dataDirectory: string | undefined): string {
  return resolve(base, dataDirectory ?? join('.holdfast', name));
}

/** Its real path when it is there already. */
export async function locateStateDirectory(
  base: string,
  name: string,
  dataDirectory: string | undefined,
): Promise<string> {
  const path = stateDirectoryPath(base, name, dataDirectory);
  return await realpath(path).catch(() => path);
}

/**
 * Makes the state folder. As root the services run under accounts of their own, which must be able to enter it; where a folder above is
 * closed to them (a clone below /root), or the path is too long for sockets, the state goes to /var/lib/holdfast (as root) or
 * ~/.local/state/holdfast and `.holdfast/<name>` becomes a link to it. Errors: HF_STATE_FOREIGN, HF_STATE_NOT_OURS, HF_STATE_UNUSABLE.
 */
export async function createStateDirectory(
  base: string,
  name: string,
  dataDirectory: string | undefined,
): Promise<string> {
  const path = stateDirectoryPath(base, name, dataDirectory);
  const isRoot = process.getuid?.() === 0;
  const mode = isRoot ? 0o711 : 0o700;
  const linked = await readlink(path).catch(() => undefined);
  if (linked !== undefined) await mkdir(resolve(dirname(path), linked), { recursive: true, mode });
  const exists = await lstat(path).then(
    () => true,
    () => false,
  );
  if (!exists) {
    const obstacle = await findObstacle(path, isRoot);
    if (obstacle === undefined) {
      await mkdir(path, { recursive: true, mode });
    } else {
      if (dataDirectory !== undefined) throw stateDirectoryUnusable(path, obstacle);
      const elsewhere = join(
        sharedStateRoot(isRoot),
        `${name}-${createHash('sha256').update(path).digest('hex').slice(0, 12)}`,
      );
      await mkdir(elsewhere, { recursive: true, mode });
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await symlink(elsewhere, path);
    }
  }
  const real = await realpath(path);
  await chmod(real, mode);
  const marker = await readMarker(real);
  if (marker !== undefined && marker.name !== name) throw stateDirectoryForeign(real, marker.name, name);
  if (marker === undefined) {
    if ((await readdir(real)).length > 0) throw stateDirectoryNotOurs(real);
    await writeMarker(real, { name, createdAt: new Date().toISOString() });
  }
  return real;
}

function sharedStateRoot(isRoot: boolean): string {
  if (isRoot) return '/var/lib/holdfast/clusters';
  return join(process.env.XDG_STATE_HOME ?? join(process.env.HOME ?? '/tmp', '.local', 'state'), 'holdfast');
}

async function findObstacle(path: string, isRoot: boolean): Promise<string | undefined> {
  if (Buffer.byteLength(path) > longestPath)
    return `its path is longer than ${longestPath} bytes, too long for the sockets in it`;
  if (!isRoot) return undefined;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const found = await stat(folder).catch(() => undefined);
    if (found !== undefined && (found.mode & 0o001) === 0) {
      return `${folder} is closed to other accounts (mode ${(found.mode & 0o777).toString(8)}), and the database runs as one of them`;
    }
    if (folder === dirname(folder)) return undefined;
  }
}

export async function readMarker(stateDirectory: string): Promise<ClusterMarker | undefined> {
  const path = join(stateDirectory, 'cluster.json');
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null && 'name' in value ? (value as ClusterMarker) : undefined;
}

export async function writeMarker(stateDirectory: string, marker: ClusterMarker): Promise<void> {
  writeFileAtomically(join(stateDirectory, 'cluster.json'), `${JSON.stringify(marker, null, 2)}\n`, {
    mode: 0o600,
    durable: true,
  });
}
