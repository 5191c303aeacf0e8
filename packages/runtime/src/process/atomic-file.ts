import { randomBytes } from 'node:crypto';
import { closeSync, fchmodSync, fchownSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { Account } from './accounts.js';

/**
 * Replaces a file in one step: readers see the old content or the new one, never half of it, and with `durable` not even
 * after a power cut (what is written anew at each start does not need that, and it costs a disk's round trip). Never follows a link that somebody put at `path`.
 */
export function writeFileAtomically(
  path: string,
  content: string,
  options: { readonly mode: number; readonly owner?: Account | undefined; readonly durable?: boolean },
): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const descriptor = openSync(temporary, 'wx', options.mode);
    try {
      if (options.owner !== undefined) fchownSync(descriptor, options.owner.uid, options.owner.gid);
      fchmodSync(descriptor, options.mode);
      const bytes = Buffer.from(content);
      for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
      if (options.durable === true) fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
