import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readBanDuration } from '../src/admin/ban-duration.js';
import { renderLinks } from '../src/http/pagination.js';
import { isAuthorized } from '../src/mail/create-mailer.js';
import { findWeaknesses } from '../src/passwords/check-strength.js';
import { authSettings } from '../src/settings/schema.js';
import { isoTimestamp } from '../src/store/row.js';
import { checkVerifier, readChallenge } from '../src/tokens/pkce.js';
import { validateChannel, validateEmail, validatePhone } from '../src/users/validate-contact.js';

describe('addresses', () => {
  test.each(['a@b.c', 'First.Last+tag@sub.example.com', "o'neil@example.com", 'ü@exämple.de', 'a@localhost'])(
    '%s',
    (email) => {
      expect(validateEmail(email)).toBe(email.toLowerCase());
    },
  );

  test.each([
    '',
    'a',
    '@',
    'a@',
    '@b',
    'a@b@c',
    'a b@c.d',
    'a@b..c',
    '.a@b.c',
    'a.@b.c',
    'a@-b.c',
    'a@b.c\n',
    `${'a'.repeat(65)}@b.c`,
    `a@${'b'.repeat(300)}.c`,
    'a\u0000@b.c',
    '<a@b.c>',
    'a@b.c, d@e.f',
  ])('%j is none', (email) => {
    expect(() => validateEmail(email)).toThrow(expect.objectContaining({ code: 'validation_failed', status: 400 }));
  });

  test('never hold what would end a header', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(validateEmail(text)).not.toMatch(/[\r\n\0<>, ]/);
        } catch (error) {
          expect(error).toMatchObject({ code: 'validation_failed' });
        }
      }),
    );
  });

  test.each([
    [[], true],
    [['*@example.com'], true],
    [['*@other.com', 'A@Example.com'], true],
    [['b@example.com'], false],
    [['*@ample.com'], false],
  ])('are written to where %j allows it: %s', (allowed, expected) => {
    expect(isAuthorized('a@example.com', allowed)).toBe(expected);
  });
});

describe('numbers', () => {
  test.each([
    ['+49 151 1234', '491511234'],
    ['12', '12'],
  ])('%s', (phone, expected) => {
    expect(validatePhone(phone)).toBe(expected);
  });
  test.each(['', '0151', '++49151', '1', '1234567890123456', '49-151', '４９'])('%j is none', (phone) => {
    expect(() => validatePhone(phone)).toThrow(expect.objectContaining({ code: 'validation_failed' }));
  });
  test('go by WhatsApp only where somebody can', () => {
    expect(validateChannel('whatsapp', 'twilio', false)).toBe('whatsapp');
    expect(validateChannel('whatsapp', 'vonage', true)).toBe('whatsapp');
    expect(() => validateChannel('whatsapp', 'vonage', false)).toThrow();
    expect(() => validateChannel('pigeon', 'twilio', true)).toThrow();
  });
});

describe('passwords', () => {
  const rules = authSettings.parse({ password: { minimumLength: 8, requiredCharacters: ['abc', '123'] } }).password;
  test.each([
    ['aaaaaaa1', []],
    ['a1', ['length']],
    ['zzzzzzzz', ['characters']],
    ['', ['length', 'characters']],
  ])('%j: %j', (password, reasons) => {
    expect(findWeaknesses(password, rules).map(({ reason }) => reason)).toEqual(reasons);
  });
});

describe('challenges', () => {
  const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
  const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
  test('fit their verifier (RFC 7636, appendix B)', () => {
    expect(() => checkVerifier(challenge, 's256', verifier)).not.toThrow();
    expect(() => checkVerifier(verifier, 'plain', verifier)).not.toThrow();
    expect(() => checkVerifier(challenge, 's256', `${verifier}x`)).toThrow(
      expect.objectContaining({ code: 'bad_code_verifier' }),
    );
    expect(() => checkVerifier(challenge, 's256', '')).toThrow();
  });
  test('are read', () => {
    expect(readChallenge('', '')).toBeUndefined();
    expect(readChallenge(challenge, 'S256')).toEqual({ challenge, method: 's256' });
  });
  test.each([
    [challenge, ''],
    ['', 's256'],
    [challenge, 'md5'],
    ['short', 's256'],
    [`${challenge} `, 's256'],
    ['x'.repeat(129), 'plain'],
  ])('%j by %j are none', (text, method) => {
    expect(() => readChallenge(text, method)).toThrow(expect.objectContaining({ code: 'validation_failed' }));
  });
});

test.each([
  ['none', 0],
  ['24h', 86_400_000],
  ['1h30m', 5_400_000],
  ['1.5s', 1500],
  ['100ms', 100],
])('a ban of %s is %i ms', (text, expected) => {
  expect(readBanDuration(text)).toBe(expected);
});

test.each(['', 'forever', '1', '1d', '-1h', '1h x', 'h'])('a ban of %j is none', (text) => {
  expect(() => readBanDuration(text)).toThrow(expect.objectContaining({ code: 'validation_failed' }));
});

test.each([
  ['2026-01-02 03:04:05.678901+00', '2026-01-02T03:04:05.678901Z'],
  ['2026-01-02 03:04:05+00', '2026-01-02T03:04:05Z'],
  ['2026-01-02 03:04:05', '2026-01-02T03:04:05Z'],
  ['2026-01-02 03:04:05.5+02', '2026-01-02T01:04:05.5Z'],
  ['2026-01-02 03:04:05-03:30', '2026-01-02T06:34:05Z'],
  ['infinity', '9999-12-31T23:59:59Z'],
])('PostgreSQL’s %s is %s', (text, expected) => {
  expect(isoTimestamp(text)).toBe(expected);
});

test.each([
  [{ page: 1, perPage: 2, total: 5 }, '</x?a=b&page=2>; rel="next", </x?a=b&page=3>; rel="last"'],
  [{ page: 3, perPage: 2, total: 5 }, '</x?a=b&page=3>; rel="last"'],
  [{ page: 1, perPage: 50, total: 0 }, '</x?a=b&page=0>; rel="last"'],
])('links of %j', (page, expected) => {
  expect(renderLinks('/x?a=b', page)).toBe(expected);
});
