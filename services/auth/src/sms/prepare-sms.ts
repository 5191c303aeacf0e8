import type { AuthContext } from '../context.js';
import { type OneTimeTokenType, putOneTimeToken } from '../store/one-time-tokens.js';
import type { Query } from '../store/query.js';
import { type FullUser, updateUser } from '../store/users.js';
import { hashToken, newOtp } from '../tokens/hash-token.js';
import { checkFrequency } from '../tokens/sending-frequency.js';
import type { Channel } from '../users/validate-contact.js';
import type { SmsMessage } from './sms-sender.js';

export type SmsKind = 'confirmation' | 'phone_change' | 'reauthentication';

export interface PreparedSms {
  readonly queries: readonly Query<unknown>[];
  /** Undefined: it is a number for tests, to which nothing is sent. */
  readonly message: SmsMessage | undefined;
}

/** The code that this number always gets, as long as tests may. */
export function testOtp(context: AuthContext, phone: string): string | undefined {
  const { testOtps, testOtpsValidUntil } = context.settings.phone;
  if (testOtpsValidUntil !== undefined && context.now().getTime() >= Date.parse(testOtpsValidUntil)) return undefined;
  return Object.hasOwn(testOtps, phone) ? testOtps[phone] : undefined;
}

/** A message with a code. 429 over_sms_send_rate_limit where one was sent just now. */
export function prepareSms(
  context: AuthContext,
  kind: SmsKind,
  { user, phone, channel }: { readonly user: FullUser; readonly phone: string; readonly channel: Channel },
): PreparedSms {
  const now = context.now();
  const { maxFrequencySeconds, otpLength, template } = context.settings.phone;
  checkFrequency(user[`${kind}_sent_at`], maxFrequencySeconds, now, 'sms');
  const fixed = testOtp(context, phone);
  const otp = fixed ?? newOtp(otpLength);
  const hash = hashToken(phone, otp);
  const type: OneTimeTokenType = `${kind}_token`;
  const changed = kind === 'phone_change' ? { phone_change: phone } : {};
  const queries = [
    updateUser(user.id, { [type]: hash, [`${kind}_sent_at`]: now, ...changed }, now),
    putOneTimeToken({ userId: user.id, type, hash, relatesTo: phone }, now),
  ];
  const text = template.replaceAll(/\{\{\s*\.Code\s*\}\}/g, otp);
  return { queries, message: fixed === undefined ? { phone, channel, text, otp, user } : undefined };
}

/** The provider's id of the message; '' where it has none. */
export async function sendPrepared(context: AuthContext, { message }: PreparedSms): Promise<string> {
  return message === undefined ? 'test-otp' : await context.sms.send(message);
}
