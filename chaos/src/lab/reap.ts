/** The reaper's program: waits until standard input closes, because whoever started it ended, however, and then sweeps the lab away. */
import { folderPattern, type LabRemains, sweepLab } from './sweep.js';

const remains = JSON.parse(process.argv[2] ?? '') as LabRemains;
if (!folderPattern.test(remains.folder)) throw new Error(`refusing to remove ${remains.folder}`);
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('SIGHUP', () => undefined);
await new Promise((resolve) => process.stdin.on('end', resolve).on('close', resolve).resume());
await sweepLab(remains);
