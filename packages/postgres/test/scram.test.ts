import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scramVerifier } from '../src/scram.js';

function parts(verifier: string) {
  const match = /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)$/.exec(verifier);
  if (match === null) throw new Error(`no verifier: ${verifier}`);
  const bytes = (index: number) => Buffer.from(match[index] ?? '', 'base64');
  return { iterations: Number(match[1]), salt: bytes(2), storedKey: bytes(3), serverKey: bytes(4) };
}

const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();

describe('the exchange of RFC 7677, section 3 (user, pencil)', () => {
  const salt = 'W22ZaJ0SNY7soEsUEjb6gQ==';
  const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
  const message = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=${salt},i=4096,c=biws,r=${nonce}`;
  const { storedKey, serverKey } = parts(scramVerifier('pencil', Buffer.from(salt, 'base64'), 4096));

  test('the server key signs as the server did', () => {
    expect(hmac(serverKey, message).toString('base64')).toBe('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  });

  test('the stored key accepts the proof of the client', () => {
    const proof = Buffer.from('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'base64');
    const signature = hmac(storedKey, message);
    const clientKey = Buffer.from(proof.map((byte, index) => byte ^ (signature[index] ?? 0)));
    expect(createHash('sha256').update(clientKey).digest()).toEqual(storedKey);
  });
});

test('by default: 16 random bytes of salt, 4096 iterations', () => {
  const [first, second] = [parts(scramVerifier('secret')), parts(scramVerifier('secret'))];
  expect(first.salt).toHaveLength(16);
  expect(first.iterations).toBe(4096);
  expect(first.salt).not.toEqual(second.salt);
  expect(first.storedKey).not.toEqual(second.storedKey);
});

test('the password is not in it', () => {
  expect(scramVerifier('correct horse battery staple')).not.toContain('horse');
});

test('another password, salt or count gives other keys', () => {
  const password = fc.string({
    unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCodePoint(code)),
    minLength: 1,
  });
  const salt = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes));
  const input = fc.tuple(password, salt, fc.integer({ min: 1, max: 8 }));
  fc.assert(
    fc.property(input, input, (a, b) => {
      // HMAC pads keys with zeros to a block; printable text holds none, so only equal passwords give equal keys.
      const same = a[0] === b[0] && a[1].equals(b[1]) && a[2] === b[2];
      expect(scramVerifier(...a) === scramVerifier(...b)).toBe(same);
      expect(scramVerifier(...a)).toBe(scramVerifier(...a));
    }),
  );
});

test.each([[''], ['ü'], ['tab\there'], ['new\nline'], ['\u00a0'], ['\0']])(
  '%j needs SASLprep or is none: refused',
  (password) => {
    expect(() => scramVerifier(password)).toThrow(RangeError);
  },
);
