import type { FastifyRequest } from 'fastify';
import { tooManyRequests } from '../errors.js';
import { clientAddress, headerOf } from '../http/client-address.js';
import type { RateLimitSettings } from '../settings/rate-limits.js';
import type { LimitName, RateLimits } from './rate-limits.js';
import { createTokenBuckets, type TokenBuckets } from './token-buckets.js';

const hour = 3_600_000;
const fiveMinutes = 300_000;
const unlimited = 1e9;

/** In this process alone: each worker counts for itself. */
export function createRateLimits(settings: RateLimitSettings, bySmtp: boolean, now: () => Date): RateLimits {
  const names = Object.keys(settings).filter(
    (name): name is LimitName => !['enabled', 'header', 'email', 'sms'].includes(name),
  );
  const buckets = new Map<LimitName, TokenBuckets>(
    names.map((name) => {
      const interval = name === 'anonymousUsers' ? hour : fiveMinutes;
      return [name, createTokenBuckets({ capacity: settings[name], intervalMilliseconds: interval })];
    }),
  );
  const mail = createTokenBuckets({
    capacity: settings.email ?? (bySmtp ? 30 : unlimited),
    intervalMilliseconds: hour,
  });
  const sms = createTokenBuckets({ capacity: settings.sms, intervalMilliseconds: hour });
  const time = () => now().getTime();
  return {
    check(name, request) {
      if (!settings.enabled) return;
      const wait = buckets.get(name)?.take(addressOf(request, settings.header), time()) ?? 0;
      if (wait > 0)
        throw tooManyRequests('over_request_rate_limit', 'Request rate limit reached', Math.ceil(wait / 1000));
    },
    allowsMail: () => !settings.enabled || mail.take('', time()) === 0,
    allowsSms: () => !settings.enabled || sms.take('', time()) === 0,
  };
}

function addressOf(request: FastifyRequest, header: string): string {
  if (header === 'x-forwarded-for') return clientAddress(request).ip;
  return headerOf(request, header.toLowerCase()).slice(0, 128) || request.ip;
}
