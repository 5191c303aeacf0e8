import { mkdir, readFile, stat } from 'node:fs/promises';
import { unitData } from '@holdfast/components';
import { findAccounts } from '@holdfast/runtime';
import { runTool } from './run-tool.js';

/** Room for a data directory and for WAL that is kept while a replica is away. It takes memory only as it fills. */
const sizeMebibytes = 1024;

/** Gives each member's data a small disk of its own, a tmpfs, before its first start. Needs root. Removed with the lab. */
export async function mountMemberDisks(
  stateDirectory: string,
  members: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const account = (await findAccounts()).patroni;
  for (const member of members) {
    const disk = unitData(stateDirectory, member);
    await mkdir(disk, { recursive: true, mode: 0o711 });
    const options = `size=${sizeMebibytes}m,mode=0700`;
    await runTool('mount', ['-t', 'tmpfs', '-o', options, 'holdfast-chaos', disk], { signal });
    // The runtime leaves folders that are there as they are.
    await runTool('chown', [`${account}:`, disk], { signal });
  }
}

/** Whether a disk that mountMemberDisks made is mounted exactly there. */
export async function isMemberDisk(path: string): Promise<boolean> {
  const mounts = await readFile('/proc/self/mounts', 'utf8');
  const found = await stat(path).catch(() => undefined);
  return (
    found?.isDirectory() === true && mounts.split('\n').some((line) => line.startsWith(`holdfast-chaos ${path} tmpfs `))
  );
}
