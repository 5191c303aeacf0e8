import type { ServerResponse } from 'node:http';

/** Aborts when the client hangs up before it has the whole answer. */
export function requestSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new ClientGone());
  });
  return gone.signal;
}

/** The reason of a signal that `requestSignal` made. */
export class ClientGone extends Error {
  constructor() {
    super('The client hung up.');
  }
}
