import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SecretName, Secrets } from '@holdfast/spec';
import { writeFileAtomically } from '../process/atomic-file.js';
import type { FolderFile } from './docker-folders.js';

/**
 * Brings a rendered folder to these files. Each is written in place: a container has the file mounted, not its name. What is as it should be
 * is not touched.
 */
export function writeFolder(folder: string, files: readonly FolderFile[]): void {
  for (const { path, content, mode } of files) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    if (!isSame(target, content)) writeFileSync(target, content);
    if ((statSync(target).mode & 0o777) !== mode) chmodSync(target, mode);
  }
}

/**
 * The secrets' files: readable by the containers' accounts, in a folder that only its owner can enter. One whose value changed is written
 * anew; a secret that nobody needs any more goes.
 */
export function writeSecretFiles(folder: string, names: readonly SecretName[], secrets: Secrets): void {
  const place = join(folder, 'secrets');
  mkdirSync(place, { recursive: true, mode: 0o700 });
  for (const name of names) {
    const target = join(place, name);
    if (!isSame(target, secrets[name])) writeFileAtomically(target, secrets[name], { mode: 0o444 });
  }
  for (const name of readdirSync(place)) if (!names.some((each) => each === name)) rmSync(join(place, name));
}

function isSame(path: string, content: string | Buffer): boolean {
  try {
    return readFileSync(path).equals(Buffer.from(content));
  } catch {
    return false;
  }
}
