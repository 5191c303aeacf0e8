import type { FastifyRequest } from 'fastify';
import type { RateLimitSettings } from '../settings/rate-limits.js';

export type LimitName = Exclude<keyof RateLimitSettings, 'enabled' | 'header' | 'email' | 'sms'>;

export interface RateLimits {
  /** Counts a call of this address. 429 over_request_rate_limit when it was one too many. */
  check(name: LimitName, request: FastifyRequest): void;
  /** Counts a mail of the whole service; false when it is one too many. */
  allowsMail(): boolean;
  /** The same for SMS. */
  allowsSms(): boolean;
}
