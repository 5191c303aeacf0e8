// Ends what a test left behind: waits until standard input closes (its test process ended, however), then SIGKILLs every process that
// works in the folder or carries its mark in the environment or command line, and deletes the folder. Plain JavaScript: it must start before any build.
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const folder = process.argv[2];
if (folder === undefined || !/^\/tmp\/holdfast-test-[^/]+$/.test(folder))
  throw new Error(`refusing to clean ${folder}`);

process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
await new Promise((resolve) => process.stdin.on('end', resolve).on('close', resolve).resume());

const read = (path) => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
};
const link = (path) => {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
};
const belongs = (pid) =>
  `${link(`/proc/${pid}/cwd`)}/`.startsWith(`${folder}/`) ||
  read(`/proc/${pid}/environ`).includes(`${folder}/`) ||
  read(`/proc/${pid}/cmdline`).includes(`${folder}/`);

for (let round = 0; round < 100; round++) {
  const pids = readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && Number(name) !== process.pid && belongs(name),
  );
  if (pids.length === 0) break;
  for (const pid of pids) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
  }
  await sleep(50);
}
rmSync(folder, { recursive: true, force: true });
