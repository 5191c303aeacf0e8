import type { FailoverClient } from './client-process.js';

const running = new Set<FailoverClient>();

/** Remembers it until it is disposed, for an interruption. */
export function trackClient(client: FailoverClient): FailoverClient {
  const tracked: FailoverClient = {
    ...client,
    async [Symbol.asyncDispose]() {
      running.delete(tracked);
      await client[Symbol.asyncDispose]();
    },
  };
  running.add(tracked);
  return tracked;
}

export async function endClients(): Promise<void> {
  await Promise.all([...running].map(async (client) => await client[Symbol.asyncDispose]()));
}
