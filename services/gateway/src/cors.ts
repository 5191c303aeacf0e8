import type { IncomingMessage, ServerResponse } from 'node:http';

/** Kong's defaults (Kong gateway, plugin cors, `methods`). */
const methods = 'GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT';

/** What scripts of other origins may read: the clients of Auth and REST look at these. */
const exposed = [
  'Content-Encoding',
  'Content-Location',
  'Content-Range',
  'Content-Type',
  'Date',
  'Link',
  'Location',
  'Preference-Applied',
  'Range-Unit',
  'Retry-After',
  'Server',
  'Transfer-Encoding',
  'X-Request-Id',
  'X-Sb-Error-Code',
  'X-Supabase-Api-Version',
  'X-Total-Count',
].join(', ');

/** `allowed`: origins; undefined: any. Sets what every answer carries, errors as well. */
export function setCorsHeaders(
  request: IncomingMessage,
  response: ServerResponse,
  allowed: readonly string[] | undefined,
): void {
  if (allowed === undefined) response.setHeader('access-control-allow-origin', '*');
  else {
    const { origin } = request.headers;
    response.setHeader('vary', 'Origin');
    if (origin !== undefined && allowed.includes(origin)) response.setHeader('access-control-allow-origin', origin);
  }
  if (request.headers.origin !== undefined) response.setHeader('access-control-expose-headers', exposed);
}

/** Answers a preflight (Fetch standard, CORS-preflight fetch) as Kong's plugin does; false: the request is none. */
export function answerPreflight(request: IncomingMessage, response: ServerResponse): boolean {
  const { headers, method } = request;
  if (method !== 'OPTIONS' || headers.origin === undefined) return false;
  if (headers['access-control-request-method'] === undefined) return false;
  response.setHeader('access-control-allow-methods', methods);
  const wanted = headers['access-control-request-headers'];
  if (wanted !== undefined) response.setHeader('access-control-allow-headers', wanted);
  response.setHeader('access-control-max-age', '3600');
  response.setHeader('content-length', '0');
  response.writeHead(200);
  response.end();
  return true;
}
