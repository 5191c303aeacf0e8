import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPoolerConsole, type PoolerConsoleTarget } from './console.js';

/** The first line that a guard reads, as JSON. The second one says that it is not needed any more. */
export interface GuardOrder {
  readonly targets: readonly PoolerConsoleTarget[];
  readonly boundMilliseconds: number;
}

/** A pooler that does not answer for so long has been ended, and starts unpaused. */
const patienceMilliseconds = 60_000;

/** See startResumeGuard. Resumes unless it is told in time that somebody else did; one that is not paused is left as it is. */
async function guard(): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done === true) return;
  const { targets, boundMilliseconds } = JSON.parse(first.value) as GuardOrder;
  process.stdout.on('error', () => {});
  process.stdout.write('watching\n');
  const last = await Promise.race([
    lines.next().then(({ value }) => value),
    sleep(boundMilliseconds, undefined, { ref: false }),
  ]);
  if (last !== 'resumed') await Promise.all(targets.map(resume));
}

async function resume(target: PoolerConsoleTarget): Promise<void> {
  if (target.way === undefined) {
    await resumeAt(target);
    return;
  }
  // Only needed here, and slow to load.
  const { openWay } = await import('@holdfast/runtime');
  await using door = await openWay(target.way);
  await resumeAt({ ...target, port: door.port });
}

async function resumeAt(target: PoolerConsoleTarget): Promise<void> {
  const console = createPoolerConsole(target);
  for (const end = performance.now() + patienceMilliseconds; performance.now() < end; ) {
    try {
      await console.resume(AbortSignal.timeout(2000));
      return;
    } catch {
      await sleep(200);
    }
  }
}

await guard();
process.exit();
