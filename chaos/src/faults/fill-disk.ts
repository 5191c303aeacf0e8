import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { unitData } from '@holdfast/components';
import { diskNotOurs } from '../errors.js';
import { isMemberDisk } from '../lab/member-disks.js';
import type { FaultKind } from './fault.js';

const ballastName = 'holdfast-chaos-ballast';
const block = Buffer.alloc(1024 * 1024);

/** A member's disk, a small one of its own in the lab, is filled to the last byte; healing deletes what fills it. */
export const fillDisk: FaultKind = {
  name: 'fill-disk',
  summary: 'a member’s disk is full: WAL and data cannot be written',
  needs: 'disk',
  roles: ['primary', 'standby', 'other replica'],
  momentary: false,
  create({ context }, member, id) {
    const disk = unitData(context.stateDirectory, member);
    const ballast = join(disk, `${ballastName}-${id}`);
    return {
      targets: [member],
      description: `the disk of ${member} is full`,
      async inject(signal) {
        if (!(await isMemberDisk(disk))) throw diskNotOurs(disk);
        await fill(ballast, signal);
      },
      heal: async () => await rm(ballast, { force: true }),
    };
  },
};

/** Writes until there is no space left. */
async function fill(path: string, signal: AbortSignal): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    for (let size = block.length; size >= 4096; ) {
      signal.throwIfAborted();
      const { bavail, bsize } = await statfs(path);
      if (bavail * bsize < 4096) return;
      const written = await file.write(block, 0, size).then(
        ({ bytesWritten }) => bytesWritten,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOSPC') return 0;
          throw error;
        },
      );
      if (written < size) size = Math.floor(size / 2);
    }
  } finally {
    await file.close();
  }
}
