import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keccak256 } from '../src/web3/keccak.js';
import { parseSignInMessage } from '../src/web3/sign-in-message.js';
import { decodeBase58, isSignedByEthereum, isSignedBySolana } from '../src/web3/verify-wallet.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('Keccak-256', () => {
  test('known hashes', () => {
    expect(hex(keccak256(Buffer.from('')))).toBe('c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470');
    expect(hex(keccak256(Buffer.from('abc')))).toBe('4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45');
  });

  test('with the padding of SHA-3 it is SHA-3, whatever the length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (message) => {
        expect(hex(keccak256(message, 0x06))).toBe(createHash('sha3-256').update(message).digest('hex'));
      }),
      { numRuns: 40 },
    );
  });
});

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
