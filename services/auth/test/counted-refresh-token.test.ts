import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeRefreshToken, isSignedBy, parseRefreshToken } from '../src/sessions/counted-refresh-token.js';

const key = randomBytes(32);

describe('a refresh token of the second form', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (sessionId, counter) => {
        const parsed = parseRefreshToken(encodeRefreshToken({ sessionId, counter }, key));
        expect(parsed).toMatchObject({ sessionId, counter });
        if (parsed !== undefined) expect(isSignedBy(parsed, key)).toBe(true);
        if (parsed !== undefined) expect(isSignedBy(parsed, randomBytes(32))).toBe(false);
      }),
    );
  });

  test('has the form that GoTrue gives it', () => {
    // Version 0, the id, counter 0, 16 bytes of HMAC, 4 bytes of checksum: 38 bytes are 51 characters.
    const token = encodeRefreshToken({ sessionId: randomUUID(), counter: 0n }, key);
    expect(token).toMatch(/^AA[\w-]{49}$|^A[\w-]{50}$/);
    expect(Buffer.from(token, 'base64url')).toHaveLength(38);
  });

  test('is none when any character is another', () => {
    const token = encodeRefreshToken({ sessionId: randomUUID(), counter: 300n }, key);
    for (let index = 0; index < token.length; index++) {
      const changed = `${token.slice(0, index)}${token[index] === 'x' ? 'y' : 'x'}${token.slice(index + 1)}`;
      const parsed = parseRefreshToken(changed);
      expect(parsed === undefined || !isSignedBy(parsed, key)).toBe(true);
    }
  });

  test('is never read from anything else, nor does that throw', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 100 }), (text) => void expect(parseRefreshToken(text)).toBeUndefined()),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 30, maxLength: 60 }), (bytes) => {
        expect(parseRefreshToken(Buffer.from(bytes).toString('base64url'))).toBeUndefined();
      }),
    );
  });
});
