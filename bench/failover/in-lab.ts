import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { OpenLab } from './lab.js';

/**
 * Runs this very program again in the lab's own network, where it reaches the hosts; everything else of it works there as well. Answers its exit
 * code; signals are passed on to it.
 */
export async function runInLab({ network }: OpenLab, argv: readonly string[]): Promise<number> {
  const [, program = ''] = process.argv;
  const inside = ['--inside-lab', JSON.stringify(network)];
  const child = spawn(
    'nsenter',
    [`--net=/run/netns/${network.namespace}`, '--', process.execPath, program, ...argv, ...inside],
    // Not in our process group: a terminal's signal would reach it twice.
    { stdio: 'inherit', detached: true },
  );
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, pass);
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, pass);
  }
}
