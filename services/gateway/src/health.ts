import type { ServerResponse } from 'node:http';
import type { GatewayOptions } from './options.js';

const patienceMilliseconds = 3000;

/** 200 when every service that is there can answer, 503 otherwise; each is named. */
export async function answerHealth(response: ServerResponse, backends: GatewayOptions['backends']): Promise<void> {
  const signal = AbortSignal.timeout(patienceMilliseconds);
  const states = await Promise.all(
    Object.entries(backends).map(async ([name, backend]) => [name, await backend.health(signal)] as const),
  );
  const healthy = states.every(([, state]) => state === 'ready');
  const body = JSON.stringify({ status: healthy ? 'ready' : 'not ready', services: Object.fromEntries(states) });
  response.writeHead(healthy ? 200 : 503, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
