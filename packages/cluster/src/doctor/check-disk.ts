import { error, type Finding, ok, showBytes, warning } from './finding.js';

export interface DiskFact {
  /** A folder on the volume. */
  readonly path: string;
  /** What lies there, for people: `state`, `WAL of pg1`. */
  readonly holds: readonly string[];
  readonly totalBytes: number;
  /** What an ordinary account may still use. */
  readonly freeBytes: number;
}

const MiB = 1024 ** 2;
/** Below this PostgreSQL stops soon: a handful of WAL segments. */
const criticalBytes = 256 * MiB;

/** One fact a volume. A full volume stops PostgreSQL (with WAL on it: at once), etcd and every log. */
export function judgeDisk(facts: readonly DiskFact[]): readonly Finding[] {
  return facts.map(({ path, holds, totalBytes, freeBytes }) => {
    const id = `disk.${path}`;
    const share = totalBytes === 0 ? 0 : freeBytes / totalBytes;
    const what = `${path} (${holds.join(', ')}) has ${showBytes(freeBytes)} of ${showBytes(totalBytes)} free`;
    const remedy = `du -xh -d2 ${path} | sort -h | tail; then remove what is not needed, or move the cluster to a larger volume`;
    if (freeBytes < criticalBytes) return error(id, what, remedy);
    if (share < 0.1 && freeBytes < 10 * 1024 * MiB) return warning(id, what, remedy);
    return ok(id, what);
  });
}
