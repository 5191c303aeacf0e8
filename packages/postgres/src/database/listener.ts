import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionTarget } from '../connect.js';
import type { Database } from '../database.js';
import { quoteIdentifier } from '../quote.js';
import { ServerConnection } from './server-connection.js';

const backoff = { firstMilliseconds: 50, lastMilliseconds: 1000 };
/** Between two questions whether the server is still there. */
const askMilliseconds = 2000;
const answerMilliseconds = 2000;
const connectMilliseconds = 3000;

type Handlers = Parameters<Database['listen']>[1];

/** See `Database.listen`. */
export function openListener(
  target: ConnectionTarget,
  applicationName: string,
  channel: string,
  handlers: Handlers,
): AsyncDisposable {
  const stop = new AbortController();
  const running = listen({ target, applicationName, channel, handlers }, stop.signal);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

interface Listening {
  readonly target: ConnectionTarget;
  readonly applicationName: string;
  readonly channel: string;
  readonly handlers: Handlers;
}

async function listen(listening: Listening, signal: AbortSignal): Promise<void> {
  let pause = backoff.firstMilliseconds;
  while (!signal.aborted) {
    const listened = await listenOnce(listening, signal).catch(() => false);
    pause = listened ? backoff.firstMilliseconds : Math.min(2 * pause, backoff.lastMilliseconds);
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
}

/** Until the connection breaks. Whether it listened at all. */
async function listenOnce(listening: Listening, signal: AbortSignal): Promise<boolean> {
  const { target, applicationName, channel, handlers } = listening;
  const over = new AbortController();
  const options = { applicationName, connectMilliseconds, statementMilliseconds: 0 };
  const connection = await ServerConnection.open(target, options, () => over.abort(), signal);
  const close = () => connection.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    if (connection.life.inRecovery) return false;
    connection.onNotification((from, payload) => {
      if (from === channel) handlers.onNotification(payload);
    });
    const answer = await connection.exchange([{ text: `LISTEN ${quoteIdentifier(channel)}` }]);
    if (answer.kind !== 'answered') return false;
    handlers.onListening();
    while (!over.signal.aborted && !signal.aborted) {
      await sleep(askMilliseconds, undefined, { signal: over.signal }).catch(() => undefined);
      if (!over.signal.aborted) await connection.answers(answerMilliseconds);
    }
    return true;
  } finally {
    signal.removeEventListener('abort', close);
    connection.close();
  }
}
