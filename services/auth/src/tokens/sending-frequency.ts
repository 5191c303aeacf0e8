import { tooManyRequests } from '../errors.js';

/** 429 where the last one was sent less than so long ago. */
export function checkFrequency(sentAt: string | null, seconds: number, now: Date, way: 'email' | 'sms'): void {
  if (sentAt === null || seconds === 0) return;
  const left = Date.parse(sentAt) + seconds * 1000 - now.getTime();
  if (left <= 0) return;
  const wait = Math.ceil(left / 1000);
  const code = way === 'email' ? 'over_email_send_rate_limit' : 'over_sms_send_rate_limit';
  throw tooManyRequests(code, `For security purposes, you can only request this after ${wait} seconds.`, wait);
}

/** Whether what was sent then is too old now. */
export function isExpired(sentAt: string | null, seconds: number, now: Date): boolean {
  return sentAt === null || now.getTime() > Date.parse(sentAt) + seconds * 1000;
}
