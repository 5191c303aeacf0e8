import type { ServerResponse } from 'node:http';
import type { ServiceName } from './service-names.js';

export interface GatewayAnswer {
  readonly status: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const challenge = { 'www-authenticate': 'Key realm="kong"' };

/** Worded as Kong words them: clients and their tests compare. */
export const answers = {
  noKey: { status: 401, message: 'No API key found in request', headers: challenge },
  duplicateKey: { status: 401, message: 'Duplicate API key found', headers: challenge },
  wrongKey: { status: 401, message: 'Invalid authentication credentials', headers: challenge },
  notAllowed: { status: 403, message: 'You cannot consume this service' },
  noRoute: { status: 404, message: 'no Route matched with those values' },
  tooLarge: { status: 413, message: 'Request size limit exceeded' },
  badUpstream: { status: 502, message: 'An invalid response was received from the upstream server' },
  slowUpstream: { status: 504, message: 'The upstream server is timing out' },
  unexpected: { status: 500, message: 'An unexpected error occurred' },
} as const satisfies Readonly<Record<string, GatewayAnswer>>;

/** Pure. */
export function tooManyRequests(retrySeconds: number): GatewayAnswer {
  return { status: 429, message: 'API rate limit exceeded', headers: { 'retry-after': String(retrySeconds) } };
}

const names: Readonly<Record<ServiceName, string>> = {
  auth: 'Auth',
  rest: 'REST',
  storage: 'Storage',
  realtime: 'Realtime',
  functions: 'Edge Functions',
  graphql: 'GraphQL',
  meta: 'The database API',
};

/** Pure. */
export function notThere(service: ServiceName): GatewayAnswer {
  return { status: 503, message: `${names[service]} is not part of this version of Holdfast, or is turned off` };
}

export function send(response: ServerResponse, { status, message, headers }: GatewayAnswer): void {
  const body = JSON.stringify({ message });
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
