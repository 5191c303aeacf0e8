import { Secret, TOTP } from 'otpauth';
import { renderSVG } from 'uqr';

export interface TotpEnrollment {
  /** Base32 without padding. */
  readonly secret: string;
  /** otpauth://totp/… */
  readonly uri: string;
  /** The same as an SVG picture. */
  readonly qrCode: string;
}

/** 160 bits, as RFC 4226, 4 advises. */
const secretBytes = 20;

/** RFC 6238 with what every application knows: SHA-1, six digits, 30 seconds. */
function totp(secret: Secret, issuer: string, account: string): TOTP {
  return new TOTP({ issuer, label: account, algorithm: 'SHA1', digits: 6, period: 30, secret });
}

export function newTotp(issuer: string, account: string): TotpEnrollment {
  const secret = new Secret({ size: secretBytes });
  const uri = totp(secret, issuer, account === '' ? 'user' : account).toString();
  return { secret: secret.base32, uri, qrCode: renderSVG(uri, { ecc: 'M', border: 2 }) };
}

/** Whether a code is the one of now, or of 30 seconds before or after. */
export function checkTotp(secret: string, code: string, now: Date): boolean {
  if (!/^\d{6}$/.test(code)) return false;
  return (
    totp(Secret.fromBase32(secret), '', '').validate({ token: code, timestamp: now.getTime(), window: 1 }) !== null
  );
}
