import type { IncomingMessage } from 'node:http';
import type { Route } from './match-route.js';

/**
 * Tells the service behind who asked, and how: the headers that Kong sets. What a client says in them about itself only counts when it is
 * `trusted`, a balancer of ours in front.
 */
export function setForwardedHeaders(request: IncomingMessage, route: Route, requestId: string, trusted: boolean): void {
  const { headers, socket } = request;
  const address = plainAddress(socket.remoteAddress);
  const encrypted = 'encrypted' in socket && socket.encrypted === true;
  const given = (name: string) => {
    const value = headers[name];
    return trusted && typeof value === 'string' && value !== '' ? value : undefined;
  };
  const before = given('x-forwarded-for');
  const host = given('x-forwarded-host') ?? headers.host ?? '';
  const protocol = given('x-forwarded-proto') ?? (encrypted ? 'https' : 'http');
  headers['x-forwarded-for'] = before === undefined ? address : `${before}, ${address}`;
  headers['x-real-ip'] = before?.split(',')[0]?.trim() ?? address;
  headers['x-forwarded-host'] = host;
  headers['x-forwarded-proto'] = protocol;
  headers['x-forwarded-port'] = given('x-forwarded-port') ?? String(socket.localPort ?? '');
  headers['x-forwarded-prefix'] = route.prefix;
  headers['x-request-id'] = requestId;
}

/** `::ffff:127.0.0.1` is 127.0.0.1 on a socket that speaks both. Pure. */
export function plainAddress(address: string | undefined): string {
  if (address?.startsWith('::') !== true) return address ?? '';
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}

/** Pure. */
export function isLoopback(address: string | undefined): boolean {
  const plain = plainAddress(address);
  return plain === '::1' || plain.startsWith('127.');
}
