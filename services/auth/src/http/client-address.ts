import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

/** Who calls, as far as it can be known. */
export interface ClientAddress {
  /** '' where it is unknown. */
  readonly ip: string;
  readonly userAgent: string;
}

/** The gateway puts the peer's address first into X-Forwarded-For. */
export function clientAddress(request: FastifyRequest): ClientAddress {
  const forwarded = headerOf(request, 'x-forwarded-for').split(',')[0]?.trim() ?? '';
  const ip = isIP(forwarded) === 0 ? request.ip : forwarded;
  // PostgreSQL's inet knows no zone (`fe80::1%eth0`).
  const [bare = ''] = ip.split('%');
  return { ip: isIP(bare) === 0 ? '' : bare, userAgent: headerOf(request, 'user-agent').slice(0, 1024) };
}

/** The first value; '' where there is none. */
export function headerOf(request: FastifyRequest, name: string): string {
  const value = request.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? '';
}
