/** One HTTP request, ready to be sent. */
export interface Call {
  readonly method: string;
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer | undefined;
}

/** What the connection needs is ours to say: one request, then it ends (RFC 9110, 7.6.1; RFC 9112, 6). */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'expect',
]);

/** Not handed on to another origin, as curl does it. */
const credentials = ['authorization', 'cookie', 'proxy-authorization'];

/** Pure. Of ours there is only what pg_net sends too, and the user's headers go before. */
export function firstCall(
  method: string,
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: Buffer | undefined,
): Call {
  const sent = new Map([
    ['user-agent', 'pg_net/holdfast'],
    ['accept', '*/*'],
  ]);
  for (const [name, value] of Object.entries(headers)) {
    if (!hopByHop.has(name.toLowerCase())) sent.set(name.toLowerCase(), value);
  }
  return { method, url, headers: sent, body };
}

/**
 * Pure: where an answer sends a call on to; undefined: nowhere, the answer is the last. As curl follows for pg_net: a POST becomes a GET but
 * for 307 and 308, a DELETE stays one. Throws a TypeError for a Location that is no URL.
 */
export function followRedirect(call: Call, status: number, location: string | undefined): Call | undefined {
  if (location === undefined || ![301, 302, 303, 307, 308].includes(status)) return undefined;
  const url = new URL(location, call.url);
  const headers = new Map(call.headers);
  const otherOrigin = url.origin !== call.url.origin;
  if (otherOrigin) for (const name of [...credentials, 'host']) headers.delete(name);
  const becomesGet = call.method === 'POST' && status < 307;
  if (becomesGet) headers.delete('content-type');
  return becomesGet ? { method: 'GET', url, headers, body: undefined } : { ...call, url, headers };
}
