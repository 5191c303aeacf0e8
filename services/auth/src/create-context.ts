import { setMaxListeners } from 'node:events';
import type { FastifyBaseLogger } from 'fastify';
import { type AuthContext, databaseAccess } from './context.js';
import { createHookRunner } from './hooks/create-hook-runner.js';
import { createRateLimits } from './limits/create-rate-limits.js';
import { createMailer } from './mail/create-mailer.js';
import type { AuthOptions } from './options.js';
import { authSettings } from './settings/schema.js';
import { createSmsSender } from './sms/create-sms-sender.js';

/** Throws zod's error where a setting is not valid. */
export function createContext(options: AuthOptions, log: FastifyBaseLogger): AuthContext {
  const settings = authSettings.parse(options.settings ?? {});
  const now = options.now ?? (() => new Date());
  const signal = options.signal ?? new AbortController().signal;
  // Every call to the database listens to it.
  setMaxListeners(0, signal);
  const { database, keys } = options;
  const access = databaseAccess(database, signal);
  const bySmtp = settings.mail.smtp !== undefined && settings.hooks.sendEmail === undefined;
  const limits = createRateLimits(settings.rateLimits, bySmtp, now);
  const hooks = createHookRunner({ settings, database, signal, now });
  const sms = createSmsSender({ settings, hooks, limits, signal });
  const mailer = createMailer({ settings, hooks, limits, now, signal });
  return { settings, database, keys, now, signal, log, mailer, sms, hooks, limits, ...access };
}
