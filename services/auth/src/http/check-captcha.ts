import { timeLimit } from '@holdfast/spec';
import type { FastifyRequest } from 'fastify';
import type { AuthContext } from '../context.js';
import { ApiError, badRequest, internalError } from '../errors.js';
import { clientAddress } from './client-address.js';

const urls = {
  hcaptcha: 'https://hcaptcha.com/siteverify',
  turnstile: 'https://challenges.cloudflare.com/turnstile/v0/siteverify',
} as const;

const timeoutMilliseconds = 10_000;

/** Asks the captcha's provider whether a person sent this, where captchas are on. 400 captcha_failed, 500 where it does not answer. */
export async function checkCaptcha(request: FastifyRequest, context: AuthContext): Promise<void> {
  const { enabled, provider, secret, url = urls[provider] } = context.settings.captcha;
  if (!enabled) return;
  const token = captchaToken(request.body);
  if (token === '') {
    throw badRequest('captcha_failed', 'captcha protection: request disallowed (no captcha_token found)');
  }
  const body = new URLSearchParams({ secret, response: token, remoteip: clientAddress(request).ip });
  const answer = await ask(url, body, context.signal);
  if (answer.success === true) return;
  const codes = Array.isArray(answer['error-codes']) ? answer['error-codes'].map(String).join(', ') : '';
  throw badRequest('captcha_failed', `captcha protection: request disallowed (${codes})`);
}

async function ask(url: string, body: URLSearchParams, signal: AbortSignal) {
  try {
    const limit = timeLimit(signal, timeoutMilliseconds);
    const response = await fetch(url, { method: 'POST', body, redirect: 'error', signal: limit });
    return (await response.json()) as { readonly success?: unknown; readonly 'error-codes'?: unknown };
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw internalError('captcha verification process failed', error);
  }
}

function captchaToken(body: unknown): string {
  const security = (body as { readonly gotrue_meta_security?: unknown } | null | undefined)?.gotrue_meta_security;
  const token = (security as { readonly captcha_token?: unknown } | null | undefined)?.captcha_token;
  return typeof token === 'string' ? token.trim() : '';
}
