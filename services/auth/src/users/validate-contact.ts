import { validationFailed } from '../errors.js';

/** The address in small letters. 400 validation_failed where it is none (RFC 5321's limits, no quoted local parts). */
export function validateEmail(email: string): string {
  if (email === '') throw validationFailed('An email address is required');
  if (email.length > 255) throw validationFailed('An email address is too long');
  const [, local, domain] = /^([^\s@"(),:;<>[\]\\\p{Cc}]+)@([^\s@]+)$/u.exec(email) ?? [];
  const labels = domain?.split('.') ?? [];
  const wellFormed =
    local !== undefined &&
    local.length <= 64 &&
    !/^\.|\.$|\.\./.test(local) &&
    labels.length >= 1 &&
    labels.every((label) => /^[\p{L}\p{N}]([\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?$/u.test(label));
  if (!wellFormed) throw validationFailed('Unable to validate email address: invalid format');
  return email.toLowerCase();
}

/** The number without `+` and blanks: digits of E.164. 400 validation_failed where it is none. */
export function validatePhone(phone: string): string {
  const digits = formatPhone(phone);
  if (!/^[1-9][0-9]{1,14}$/.test(digits)) throw validationFailed('Invalid phone number format (E.164 required)');
  return digits;
}

export function formatPhone(phone: string): string {
  return phone.replace(/^\+/, '').replaceAll(' ', '');
}

export type Channel = 'sms' | 'whatsapp';

/** 400 validation_failed: WhatsApp goes by Twilio alone, or by a hook. */
export function validateChannel(channel: string, provider: string, byHook: boolean): Channel {
  if (channel === '' || channel === 'sms') return 'sms';
  if (channel === 'whatsapp' && (byHook || provider.startsWith('twilio') || provider === 'log')) return 'whatsapp';
  throw validationFailed(
    "Invalid channel, supported values are 'sms' or 'whatsapp'. 'whatsapp' is only supported if Twilio or Twilio Verify is used as the provider.",
  );
}
