import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/**
 * A name for a Unix socket that always fits into the 107 bytes that the kernel takes (unix(7)): by way of a descriptor of the
 * folder. It is good for this process only, and as long as the returned descriptor is open.
 */
export function shortSocketPath(path: string): { readonly path: string; readonly close: () => void } {
  const folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: `/proc/self/fd/${folder}/${basename(path)}`, close: () => closeSync(folder) };
}
