import { tooManyRequests, unprocessable } from '../errors.js';
import type { HookRunner } from '../hooks/run-hook.js';
import type { RateLimits } from '../limits/rate-limits.js';
import type { AuthSettings } from '../settings/schema.js';
import { sendByProvider } from './providers.js';
import type { SmsMessage, SmsSender } from './sms-sender.js';

interface Needs {
  readonly settings: AuthSettings;
  readonly hooks: HookRunner;
  readonly limits: RateLimits;
  readonly signal: AbortSignal;
}

const remembered = 100;

export function createSmsSender({ settings, hooks, limits, signal }: Needs): SmsSender {
  let sent: readonly SmsMessage[] = [];
  const { provider, timeoutSeconds } = settings.sms;
  return {
    sent: () => sent,
    async send(message) {
      if (!limits.allowsSms()) throw tooManyRequests('over_sms_send_rate_limit', 'SMS rate limit exceeded', 60);
      if (hooks.target('sendSms') !== undefined) {
        const { id, phone, email, user } = { ...message.user, user: message.user };
        await hooks.run('sendSms', {
          user: {
            id,
            aud: user.aud,
            role: user.role,
            email: email ?? '',
            phone: phone ?? message.phone,
            app_metadata: user.raw_app_meta_data,
            user_metadata: user.raw_user_meta_data,
          },
          sms: { otp: message.otp, sms_type: message.channel, phone: message.phone },
        });
        return '';
      }
      if (provider.name === 'log') {
        sent = [message, ...sent].slice(0, remembered);
        return '';
      }
      try {
        return await sendByProvider(provider, message, { timeoutMilliseconds: timeoutSeconds * 1000, signal });
      } catch (error) {
        throw unprocessable(
          'sms_send_failed',
          `Error sending sms OTP: ${error instanceof Error ? error.message : 'unknown'}`,
        );
      }
    },
  };
}
