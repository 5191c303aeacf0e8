import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { LogLine, Runtime } from './runtime.js';

/** Where a unit's lines are. */
export interface LogSource {
  readonly unit: string;
  /** `docker logs` or `kubectl logs`, which both know --tail and --follow. */
  readonly command: readonly [string, ...string[]];
  /** What they are asked for: a container, or pods. */
  readonly target: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Which of the container's lines are this unit's: an agent's are JSON, and no other unit's are. */
  readonly isAgent: boolean;
}

/** The lines of each, one after the other, or, with follow, as lines come. Ends when the signal aborts. */
export async function* readLogs(
  sources: readonly LogSource[],
  { lines, follow, signal }: Parameters<Runtime['logs']>[1],
): AsyncGenerator<LogLine> {
  if (!follow) {
    for (const source of sources) {
      const kept: LogLine[] = [];
      // Two units may share a container, so its last lines may all be the other one's.
      for await (const line of linesOf(source, ['--tail', String(lines * 10)], signal)) kept.push(line);
      yield* lines === 0 ? [] : kept.slice(-lines);
    }
    return;
  }
  yield* merge(sources.map((source) => linesOf(source, ['--tail', String(lines), '--follow'], signal)));
}

async function* linesOf(
  { unit, command, target, env, isAgent }: LogSource,
  options: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  // Both streams into one pipe, in the order in which they were written.
  const child = spawn('sh', ['-c', 'exec "$@" 2>&1', 'logs', ...command, ...options, ...target], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env,
  });
  const end = () => child.kill('SIGTERM');
  signal.addEventListener('abort', end, { once: true });
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
  try {
    if (signal.aborted) return;
    for await (const text of createInterface({ input: child.stdout })) {
      if (text.startsWith('{"time":') === isAgent) yield { unit, text };
    }
  } finally {
    signal.removeEventListener('abort', end);
    end();
    await ended;
  }
}

/** Lines of several: of one after the other, or, with follow, as they come. */
export async function* mergeLines(
  sources: readonly AsyncIterable<LogLine>[],
  follow: boolean,
): AsyncGenerator<LogLine> {
  const all = sources.map(async function* (source): AsyncGenerator<LogLine> {
    yield* source;
  });
  if (follow) yield* merge(all);
  else for (const each of all) yield* each;
}

/** Values as they come, of all. */
async function* merge<Value>(all: readonly AsyncGenerator<Value>[]): AsyncGenerator<Value> {
  const next = async (from: AsyncGenerator<Value>) => ({ from, result: await from.next() });
  const waiting = new Map(all.map((from) => [from, next(from)]));
  try {
    while (waiting.size > 0) {
      const { from, result } = await Promise.race(waiting.values());
      if (result.done === true) waiting.delete(from);
      else {
        waiting.set(from, next(from));
        yield result.value;
      }
    }
  } finally {
    await Promise.all(all.map(async (from) => await from.return(undefined)));
  }
}
