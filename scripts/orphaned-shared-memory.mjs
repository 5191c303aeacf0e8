// PostgreSQL that was ended by SIGKILL leaves its shared memory behind, and only a restart on the same data directory takes it away. Tests delete the
// directory instead. Plain JavaScript, as run-tests.mjs is.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, unlinkSync } from 'node:fs';

const folder = '/dev/shm';
/** PG_DYNSHMEM_CONTROL_MAGIC of PostgreSQL's src/backend/storage/ipc/dsm.c; then nitems and maxitems, then items of 40 bytes that begin with a handle. */
const controlMagic = 0x9a503d32;
const [headerBytes, itemBytes] = [16, 40];

const attempt = (work, otherwise) => {
  try {
    return work();
  } catch {
    return otherwise;
  }
};

/**
 * Removes the dynamic segments that a control segment lists which is newer than `since` and that no process maps (a living server always maps its
 * own), and the System V segments of the same time that nobody is attached to. Answers how many of each there were.
 */
export function removeOrphanedSharedMemory(since) {
  return { dynamic: removeDynamic(since), systemV: removeSystemV(since) };
}

function removeDynamic(since) {
  const names = attempt(() => readdirSync(folder), []).filter((name) => /^PostgreSQL\.\d+$/.test(name));
  const mapped = names.length === 0 ? '' : mappedFiles();
  const orphans = new Set();
  for (const name of names) {
    const path = `${folder}/${name}`;
    if (attempt(() => statSync(path).mtimeMs, 0) < since || mapped.includes(`${path}\n`)) continue;
    const bytes = attempt(() => readFileSync(path), Buffer.alloc(0));
    if (bytes.length < headerBytes || bytes.readUInt32LE(0) !== controlMagic) continue;
    orphans.add(path);
    for (let item = 0; item < bytes.readUInt32LE(4); item++) {
      const at = headerBytes + item * itemBytes;
      if (at + itemBytes <= bytes.length) orphans.add(`${folder}/PostgreSQL.${bytes.readUInt32LE(at)}`);
    }
  }
  return [...orphans].filter((path) => attempt(() => unlinkSync(path) === undefined, false)).length;
}

function mappedFiles() {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => attempt(() => readFileSync(`/proc/${pid}/maps`, 'latin1'), '')).join('');
}

/** PostgreSQL's System V segment is a mark only: some 56 bytes, with a key. */
function removeSystemV(since) {
  const lines = attempt(() => readFileSync('/proc/sysvipc/shm', 'latin1').trim().split('\n').slice(1), []);
  const orphans = lines
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([key, , , size, , , attached, , , , , , , created]) => {
      return key !== 0 && size < 100 && attached === 0 && created * 1000 >= since;
    });
  return orphans.filter(([, id]) =>
    attempt(() => execFileSync('ipcrm', ['-m', String(id)], { stdio: 'ignore' }) !== undefined, false),
  ).length;
}
