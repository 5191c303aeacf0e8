import { secp256k1 } from '@noble/curves/secp256k1.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSignInMessage } from '../src/web3/sign-in-message.js';
import { decodeBase58, isSignedByEthereum, isSignedBySolana } from '../src/web3/verify-wallet.js';
import { ethereumWallet } from './ethereum-wallet.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('Ethereum', () => {
  // The example of web3.js: key 0x4c08…2318, "Some data".
  const address = '0x2c7536E3605D9C16a7a3D7b1898e529396a65c23';
  const signature =
    '0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c';

  test('a signature that is known', () => {
    expect(isSignedByEthereum('Some data', address, signature)).toBe(true);
    expect(isSignedByEthereum('Some data', address, signature.slice(2))).toBe(true);
  });

  test('is of that text, that account and that form alone', () => {
    expect(isSignedByEthereum('Some date', address, signature)).toBe(false);
    expect(isSignedByEthereum('Some data', '0x0000000000000000000000000000000000000000', signature)).toBe(false);
    expect(isSignedByEthereum('Some data', address, signature.replace(/1c$/, '1b'))).toBe(false);
    expect(isSignedByEthereum('Some data', address, signature.replace(/1c$/, '1d'))).toBe(false);
    expect(isSignedByEthereum('Some data', address, `0x${'f'.repeat(130)}`)).toBe(false);
    expect(isSignedByEthereum('Some data', address, '0x')).toBe(false);
    expect(isSignedByEthereum('Some data', address, `0x${'0'.repeat(128)}1b`)).toBe(false);
  });

  test('the higher form of a signature is none', () => {
    const [s, other] = [BigInt(`0x${signature.slice(66, 130)}`), '1b'];
    const higher = (secp256k1.Point.Fn.ORDER - s).toString(16).padStart(64, '0');
    expect(isSignedByEthereum('Some data', address, `${signature.slice(0, 66)}${higher}${other}`)).toBe(false);
  });

  test('whatever a wallet signs, and nothing else', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat({ max: 64 }), fc.integer({ min: 1, max: 255 }), (text, at, by) => {
        const wallet = ethereumWallet();
        const made = Buffer.from(wallet.sign(text).slice(2), 'hex');
        expect(isSignedByEthereum(text, wallet.address, made.toString('hex'))).toBe(true);
        const before = made[at] ?? 0;
        made[at] = before ^ by;
        // 0 and 27, and 1 and 28, are two ways to write the same.
        const same = at === 64 && made[at] === before - 27;
        if (!same) expect(isSignedByEthereum(text, wallet.address, made.toString('hex'))).toBe(false);
      }),
      { numRuns: 50 },
    );
  });
});

describe('Solana', () => {
  test('base58', () => {
    expect(hex(decodeBase58('2NEpo7TZRRrLZSi2U') ?? new Uint8Array())).toBe(
      Buffer.from('Hello World!').toString('hex'),
    );
    expect(decodeBase58('11')).toEqual(Uint8Array.from([0, 0]));
    expect(decodeBase58('0OIl')).toBeUndefined();
  });

  test('what is no key or no signature signs nothing; a key of small order would sign anything', () => {
    const small = Buffer.alloc(64);
    for (const address of ['11111111111111111111111111111111', '4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM']) {
      expect(isSignedBySolana('x', address, small)).toBe(false);
    }
    expect(isSignedBySolana('x', '11111111111111111111111111111111', new Uint8Array(64))).toBe(false);
    expect(isSignedBySolana('x', 'short', new Uint8Array(64))).toBe(false);
    expect(isSignedBySolana('x', '11111111111111111111111111111111', new Uint8Array(10))).toBe(false);
  });
});

describe('messages', () => {
  const address = '0x2c7536E3605D9C16a7a3D7b1898e529396a65c23';
  const lines = [
    'app.example wants you to sign in with your Ethereum account:',
    address,
    '',
    'URI: https://app.example/',
    'Version: 1',
    'Chain ID: 1',
    'Nonce: abcdefgh',
    'Issued At: 2026-01-02T03:04:05.678Z',
  ];
  const parse = (all: readonly string[]) => parseSignInMessage(all.join('\n'), 'ethereum');

  test('with and without a statement, with resources', () => {
    expect(parse(lines)).toMatchObject({
      valid: true,
      message: { statement: '', domain: 'app.example', address, chainId: '1' },
    });
    const said = [
      ...lines.slice(0, 3),
      'I agree.',
      '',
      ...lines.slice(3),
      'Resources:',
      '- https://a.example',
      '- ipfs://b',
    ];
    expect(parse(said)).toMatchObject({ valid: true, message: { statement: 'I agree.' } });
    expect(parse([...lines.slice(0, 3), '', ...lines.slice(3)])).toMatchObject({
      valid: true,
      message: { statement: '' },
    });
  });

  test('what is not understood makes it void', () => {
    for (const bad of [
      lines.with(0, 'app.example wants you to sign in with your Solana account:'),
      lines.with(0, 'evil example wants you to sign in with your Ethereum account:'),
      lines.with(1, '0x12'),
      lines.with(2, 'no empty line'),
      lines.with(3, 'URI: nowhere'),
      lines.with(4, 'Version: 2'),
      lines.with(5, 'Chain ID: one'),
      lines.with(6, 'Nonce: short'),
      lines.with(7, 'Issued At: yesterday'),
      [...lines, 'Expiration Time: never'],
      [...lines, 'Version: 1'],
      [...lines, 'Extra: field'],
      [...lines, 'Resources:', 'no list'],
    ]) {
      expect(parse(bad), bad.join('|')).toMatchObject({ valid: false, fault: expect.any(String) });
    }
  });

  test('no text makes it fail', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom(...lines)), { maxLength: 12 }), (parts) => {
        parse(parts);
        parseSignInMessage(parts.join('\n'), 'solana');
      }),
    );
  });
});
