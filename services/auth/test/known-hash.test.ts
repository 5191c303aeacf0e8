import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isKnownHash, verifyPassword } from '../src/passwords/hash-password.js';

const argon = (parameters: string, kind = 'argon2id') =>
  `$${kind}$${parameters}$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc`;

describe('hashes that are checked', () => {
  test('usual settings of Argon2 are within bounds', () => {
    for (const parameters of ['m=65536,t=4,p=1', 'm=102400,t=2,p=8', 'm=65536,t=3,p=4', 'm=19456,t=2,p=1']) {
      expect(isKnownHash(argon(`v=19$${parameters}`)), parameters).toBe(true);
    }
  });

  test('others would take the machine’s memory or time, or mean something else', () => {
    for (const parameters of [
      'v=19$m=262145,t=1,p=1',
      'v=19$m=65536,t=17,p=1',
      'v=19$m=65536,t=1,p=17',
      'v=19$m=65536,t=0,p=1',
      'v=19$m=65536,t=1,p=0',
      'v=19$m=7,t=1,p=1',
      'v=16$m=65536,t=1,p=1',
      'v=19$m=65536,t=1,p=1,keyid=a',
      'v=19$m=99999999999,t=1,p=1',
    ]) {
      expect(isKnownHash(argon(parameters)), parameters).toBe(false);
    }
    expect(isKnownHash(argon('v=19$m=65536,t=1,p=1', 'argon2d'))).toBe(false);
  });

  test('whatever is stored, checking it does not fail', async () => {
    const stored = fc.oneof(
      fc.string(),
      fc
        .tuple(fc.nat(300), fc.nat(4), fc.nat(4), fc.base64String())
        .map(([m, t, p, text]) => `$argon2i$v=19$m=${m},t=${t},p=${p}$${text.replaceAll('=', '')}$${text}`),
    );
    await fc.assert(
      fc.asyncProperty(stored, async (each) => {
        expect(await verifyPassword('secret', each)).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});
