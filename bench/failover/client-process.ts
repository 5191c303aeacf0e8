import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FromClient, ToClient } from './client-messages.js';
import type { Acknowledgement, WriteHistory } from './history.js';

/** Compiled code, also when we run from the sources (in tests). */
const program = fileURLToPath(new URL('client.js', import.meta.url)).replace(
  '/bench/failover/',
  '/bench/dist/failover/',
);

/** A running client (client.ts). Disposing ends its process. */
export interface FailoverClient extends AsyncDisposable {
  /** The first acknowledged write that was begun after that time; rejects when the signal aborts. */
  firstBegunAfter(time: number, signal: AbortSignal): Promise<Acknowledgement>;
  /** Ends its writing and answers all that it saw. */
  stop(signal: AbortSignal): Promise<WriteHistory>;
}

/** Starts a client that writes through the first of these URIs that can be written to. */
export function startClient(urls: readonly string[], connections: number): FailoverClient {
  // Typed arrays and numbers as they are, not through JSON. URIs hold passwords: they go over the channel, not into argv.
  const child = fork(program, [], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  let number = 0;
  tell(child, { kind: 'start', urls, connections });

  async function ask(question: (number: number) => ToClient, signal: AbortSignal): Promise<FromClient['answer']> {
    const own = ++number;
    return await new Promise((resolve, reject) => {
      const done = () => {
        child.off('message', onMessage);
        child.off('exit', onExit);
        signal.removeEventListener('abort', onAbort);
      };
      const onMessage = (message: FromClient) => {
        if (message.number !== own) return;
        done();
        resolve(message.answer);
      };
      const onExit = (code: number | null) => {
        done();
        reject(new Error(`the client ended with ${code}`));
      };
      const onAbort = () => {
        done();
        reject(signal.reason);
      };
      if (signal.aborted) return reject(signal.reason);
      child.on('message', onMessage);
      child.once('exit', onExit);
      signal.addEventListener('abort', onAbort, { once: true });
      tell(child, question(own));
    });
  }

  return {
    firstBegunAfter: async (time, signal) =>
      (await ask((own) => ({ kind: 'first', number: own, begunAfter: time }), signal)) as Acknowledgement,
    stop: async (signal) => (await ask((own) => ({ kind: 'stop', number: own }), signal)) as WriteHistory,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function tell(child: ChildProcess, message: ToClient): void {
  // A client that has ended is told by its exit.
  child.send(message, () => {});
}
