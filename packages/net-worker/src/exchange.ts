import { type LookupAddress, lookup } from 'node:dns';
import { existsSync, readFileSync } from 'node:fs';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { urlToHttpOptions } from 'node:url';
import type { Call } from './call.js';
import { limits } from './limits.js';
import type { Refuses } from './refused-addresses.js';

/** When (performance.now()) the name was looked up, and when the connection was ready for the request. */
export interface Progress {
  lookedUp: number | undefined;
  ready: number | undefined;
}

/** Thrown before anything is sent. */
export class RefusedAddress extends Error {
  override name = 'RefusedAddress';
}

/**
 * Sends a call over a connection of its own and answers once the headers have come; the body is the caller's to read. The address is checked
 * after the name was looked up, and it is that very address that is connected to. No proxy, no cookies, nothing kept.
 */
export async function exchange(
  call: Call,
  {
    refuses,
    progress,
    signal,
  }: { readonly refuses: Refuses; readonly progress: Progress; readonly signal: AbortSignal },
): Promise<IncomingMessage> {
  const { method, url, headers, body } = call;
  const isSecure = url.protocol === 'https:';
  const port = url.port === '' ? (isSecure ? 443 : 80) : Number(url.port);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) check(refuses, host, port);
  const options = {
    ...urlToHttpOptions(url),
    method,
    headers: { ...Object.fromEntries(headers), ...contentLength(method, body) },
    agent: false,
    lookup: checkedLookup(refuses, port),
    maxHeaderSize: limits.headerBytes,
    signal,
  };
  const secure = { ...options, ...(isSecure ? { secureContext: systemTrust() } : {}) };
  const sent = isSecure ? requestHttps(secure) : requestHttp(options);
  sent.once('socket', (socket) => {
    socket.once('lookup', () => {
      progress.lookedUp = performance.now();
    });
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      progress.ready = performance.now();
    });
  });
  return await new Promise((resolve, reject) => {
    sent.on('error', reject);
    sent.once('response', resolve);
    sent.end(body);
  });
}

function contentLength(method: string, body: Buffer | undefined): Readonly<Record<string, number>> {
  return body === undefined && method !== 'POST' ? {} : { 'content-length': body?.length ?? 0 };
}

function check(refuses: Refuses, address: string, port: number): void {
  const reason = refuses(address, port);
  if (reason !== undefined) throw new RefusedAddress(`refused: ${reason}`);
}

/** One address that is refused refuses the name. */
function checkedLookup(refuses: Refuses, port: number): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found: readonly LookupAddress[]) => {
      if (error !== null) return callback(error, '');
      try {
        for (const { address } of found) check(refuses, address, port);
      } catch (refusal) {
        return callback(refusal as Error, '');
      }
      const [first] = found;
      if (options.all === true) return callback(null, [...found]);
      return callback(null, first?.address ?? '', first?.family);
    });
  };
}

/** Of Debian and of Red Hat. */
const systemBundles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt'];
let trust: SecureContext | undefined;

/** The certificates that the machine trusts, as curl and OpenSSL find them; where it has no such file, those that Node.js brings. */
function systemTrust(): SecureContext {
  const { SSL_CERT_FILE: named } = process.env;
  const bundle = (named === undefined ? systemBundles : [named]).find((path) => existsSync(path));
  trust ??= createSecureContext(bundle === undefined ? {} : { ca: readFileSync(bundle) });
  return trust;
}
