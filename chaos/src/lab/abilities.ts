import { randomInt } from 'node:crypto';
import type { Need } from '../faults/fault.js';
import { runTool, runToolIn } from './run-tool.js';

/** Why something is not possible on this machine; absent: it is. */
export type Obstacles = Readonly<Partial<Record<Need, string>>>;

/** Tries what faults need, in a network namespace that is made for it and removed. */
export async function findObstacles(signal: AbortSignal): Promise<Obstacles> {
  const clock = 'all members share the clock of this machine';
  if (process.getuid?.() !== 0) {
    const reason = 'only root can make networks and disks of their own for members';
    return { clock, network: reason, disk: reason };
  }
  const namespace = `hf${randomInt(36 ** 4, 36 ** 5).toString(36)}`;
  const network = await tryOut('a network of its own', async () => await tryNetwork(namespace, signal), signal);
  const disk = await tryOut('mount', async () => await runTool('mount', ['--version'], { signal }), signal);
  return { clock, ...(network === undefined ? {} : { network }), ...(disk === undefined ? {} : { disk }) };
}

async function tryNetwork(namespace: string, signal: AbortSignal): Promise<void> {
  await runTool('ip', ['netns', 'add', namespace], { signal });
  try {
    await runTool('ip', ['-n', namespace, 'link', 'add', 'bridge', 'type', 'bridge'], { signal });
    const input = 'add table inet holdfast_chaos_0\n';
    await runToolIn(namespace, ['nft', '-f', '-'], { signal, input });
  } finally {
    await runTool('ip', ['netns', 'delete', namespace], { signal: AbortSignal.timeout(10_000) });
  }
}

/** Why it does not work, in one line; undefined: it does. */
async function tryOut(what: string, work: () => Promise<unknown>, signal: AbortSignal): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    const detail = (error as { readonly detail?: string }).detail;
    return `${what} does not work here: ${(detail || (error as Error).message).split('\n')[0]}`;
  }
}
