import cluster, { type Worker } from 'node:cluster';
import type { LineLog } from '@holdfast/http';

/** So that one that cannot start does not keep the machine busy. */
const pauseMilliseconds = 500;

/**
 * Runs this program's workers, which share the port, until `stopped`; answers the exit code. One that ends is replaced. When one ends before any of them
 * has listened, the reason is theirs all, and its code is the answer. Workers whose first process dies end by themselves (node:cluster).
 */
export async function runWorkers(count: number, stopped: Promise<void>, log: LineLog): Promise<number> {
  let isStopping = false;
  let hasListened = false;
  const start = () => {
    if (!isStopping) cluster.fork();
  };
  cluster.on('listening', () => {
    hasListened = true;
  });
  const failed = new Promise<number>((resolve) => {
    cluster.on('exit', (worker, code, signal) => {
      if (isStopping) return;
      log.event('worker', { pid: worker.process.pid, ended: signal ?? code });
      if (!hasListened && code !== 0) resolve(code ?? 1);
      else setTimeout(start, pauseMilliseconds);
    });
  });
  for (let index = 0; index < count; index += 1) start();
  const code = await Promise.race([stopped.then(() => 0), failed]);
  isStopping = true;
  await Promise.all(Object.values(cluster.workers ?? {}).map(async (worker) => await end(worker)));
  return code;
}

async function end(worker: Worker | undefined): Promise<void> {
  if (worker === undefined || worker.isDead()) return;
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  worker.kill('SIGTERM');
  await ended;
}
