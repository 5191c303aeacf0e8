import type { User } from '../store/users.js';

export interface SmsMessage {
  /** Digits of E.164 without `+`. */
  readonly phone: string;
  readonly channel: 'sms' | 'whatsapp';
  /** Ready to read. */
  readonly text: string;
  readonly otp: string;
  readonly user: User;
}

export interface SmsSender {
  /** By the hook or the provider; gives the provider's id of the message. 429 over_sms_send_rate_limit, 422 sms_send_failed. */
  send(message: SmsMessage): Promise<string>;
  /** What the provider `log` kept, newest first. */
  sent(): readonly SmsMessage[];
}
