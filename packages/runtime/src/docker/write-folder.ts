import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { tlsFiles } from '@holdfast/components';
import type { SecretName, Secrets } from '@holdfast/spec';
import type { CopiedFile } from '../copied-files.js';
import { writeFileAtomically } from '../process/atomic-file.js';
import type { FolderFile } from './docker-folders.js';
import { certificateFolder } from './fetch-secrets.js';

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

/** Of files that containers read while they run: a folder each, mounted as a whole, so that a file which is replaced is seen. */
export const copiesFolder = 'keys';

/** A container's files of that kind, readable by its account; only the folder's owner gets as far as that. */
export function writeCopies(folder: string, container: string, copies: readonly CopiedFile[]): void {
  const place = join(folder, copiesFolder, container);
  mkdirSync(join(folder, copiesFolder), { recursive: true, mode: 0o700 });
  mkdirSync(place, { recursive: true });
  chmodSync(place, 0o755);
  for (const { from, name } of copies) {
    const content = readFileSync(from);
    if (!isSame(join(place, name), content))
      writeFileAtomically(join(place, name), content.toString('utf8'), { mode: 0o444 });
  }
}

/** etcd's client certificate, from the folder that it is kept in: readable by the containers' accounts, in a folder that only its owner can enter. */
export function writeCertificate(folder: string, kept: string): void {
  const place = join(folder, certificateFolder);
  mkdirSync(place, { recursive: true });
  chmodSync(folder, 0o700);
  chmodSync(place, 0o755);
  for (const from of Object.values(tlsFiles(kept))) {
    const target = join(place, basename(from));
    const content = readFileSync(from);
    if (!isSame(target, content)) writeFileAtomically(target, content.toString('utf8'), { mode: 0o444 });
  }
}

function isSame(path: string, content: string | Buffer): boolean {
  try {
    return readFileSync(path).equals(Buffer.from(content));
  } catch {
    return false;
  }
}
