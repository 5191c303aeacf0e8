import { Secret, TOTP } from 'otpauth';
import { describe, expect, test } from 'vitest';
import { judgeEnrollment } from '../src/mfa/judge-enrollment.js';
import { checkTotp, newTotp } from '../src/mfa/totp.js';
import type { Factor } from '../src/store/mfa-factors.js';
import { namedCredential } from '../src/webauthn/ceremony.js';
import { decodeCredential, encodeCredential, withSignCount } from '../src/webauthn/stored-credential.js';

const factor = (name: string | null, status: Factor['status']): Factor => ({
  id: 'f',
  user_id: 'u',
  friendly_name: name,
  factor_type: 'totp',
  status,
  created_at: null,
  updated_at: null,
  secret: null,
  phone: null,
  last_challenged_at: null,
  web_authn_credential: null,
});
const limits = { maxEnrolledFactors: 3, maxVerifiedFactors: 2 };

describe('whether a factor may be begun', () => {
  test('names, limits, levels', () => {
    const judge = (factors: readonly Factor[], friendlyName: string, aal: 'aal1' | 'aal2') =>
      judgeEnrollment(factors, { friendlyName, aal }, limits)?.code;
    expect(judge([], 'a', 'aal1')).toBeUndefined();
    expect(judge([factor('a', 'unverified')], 'a', 'aal1')).toBe('mfa_factor_name_conflict');
    expect(judge([factor('', 'unverified'), factor(null, 'unverified')], '', 'aal1')).toBeUndefined();
    expect(judge([factor('a', 'verified')], 'b', 'aal1')).toBe('insufficient_aal');
    expect(judge([factor('a', 'verified')], 'b', 'aal2')).toBeUndefined();
    expect(judge([factor('a', 'verified'), factor('b', 'verified')], 'c', 'aal2')).toBe(
      'too_many_enrolled_mfa_factors',
    );
    const three = ['a', 'b', 'c'].map((name) => factor(name, 'unverified'));
    expect(judge(three, 'd', 'aal1')).toBe('too_many_enrolled_mfa_factors');
  });
});

describe('TOTP', () => {
  test('the codes of RFC 6238, appendix B, to six digits', () => {
    const secret = new Secret({ buffer: new TextEncoder().encode('12345678901234567890').buffer }).base32;
    for (const [seconds, code] of [
      [59, '287082'],
      [1111111109, '081804'],
      [2000000000, '279037'],
    ] as const) {
      expect(checkTotp(secret, code, new Date(seconds * 1000))).toBe(true);
      expect(checkTotp(secret, code, new Date((seconds + 29) * 1000))).toBe(true);
      expect(checkTotp(secret, code, new Date((seconds + 90) * 1000))).toBe(false);
    }
  });

  test('a new secret of 160 bits, as a URI and a picture', () => {
    const made = newTotp('localhost:3000', 'ada@example.com');
    expect(made.secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(made.qrCode).toMatch(/^<svg [\s\S]*<\/svg>$/);
    const code = new TOTP({ secret: Secret.fromBase32(made.secret) }).generate();
    expect(checkTotp(made.secret, code, new Date())).toBe(true);
    for (const bad of ['', '12345', '1234567', '１２３４５６', '12 456'])
      expect(checkTotp(made.secret, bad, new Date())).toBe(false);
    expect(newTotp('issuer', '').uri).toContain('issuer');
  });
});

describe('WebAuthn credentials as go-webauthn writes them', () => {
  const credential = {
    id: Uint8Array.from([1, 2, 250]),
    publicKey: Uint8Array.from([9, 8, 7]),
    signCount: 3,
    transports: ['usb'],
    aaguid: 'ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4',
    attestationType: 'none',
    userVerified: true,
    backupEligible: false,
    backedUp: false,
  };

  test('are read as they were written', () => {
    const stored = encodeCredential(credential);
    expect(stored).toMatchObject({
      id: 'AQL6',
      publicKey: 'CQgH',
      transport: ['usb'],
      authenticator: { signCount: 3 },
    });
    expect(decodeCredential(stored)).toEqual({
      id: credential.id,
      publicKey: credential.publicKey,
      signCount: 3,
      transports: ['usb'],
    });
    expect(decodeCredential(withSignCount(stored, 9))?.signCount).toBe(9);
  });

  test('what is no credential is none', () => {
    for (const bad of [null, {}, { id: 5, publicKey: 'x' }]) expect(decodeCredential(bad)).toBeUndefined();
    for (const bad of [null, 5, 'x', {}, { id: '' }, { id: '../x' }, { id: 'x'.repeat(2000) }]) {
      expect(namedCredential(bad)).toBeUndefined();
    }
    expect(namedCredential({ id: 'AQL6', response: { userHandle: 'eA' } })).toMatchObject({ handle: 'x' });
  });
});
