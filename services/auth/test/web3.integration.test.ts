import { generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ethereumWallet } from './ethereum-wallet.js';
import { postgresBin, startAuth, startDatabase, type TestAuth, type TestDatabase } from './harness.js';

const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

function encodeBase58(bytes: Uint8Array): string {
  let value = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  let text = '';
  for (; value > 0n; value /= 58n) text = `${alphabet[Number(value % 58n)]}${text}`;
  return text;
}

function solanaWallet() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const address = encodeBase58(Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'));
  return { address, sign: (text: string) => sign(null, Buffer.from(text), privateKey).toString('base64') };
}

function messageOf(
  name: string,
  address: string,
  { domain = 'app.example', uri = 'https://app.example/', issuedAt = new Date(), lines = [] as string[] } = {},
): string {
  return [
    `${domain} wants you to sign in with your ${name} account:`,
    address,
    '',
    'I agree to be tested.',
    '',
    `URI: ${uri}`,
    'Version: 1',
    'Chain ID: 1',
    'Nonce: abcdefgh12345',
    `Issued At: ${issuedAt.toISOString()}`,
    ...lines,
  ].join('\n');
}

describe.skipIf(postgresBin === undefined)('token?grant_type=web3', () => {
  let database: TestDatabase;
  let auth: TestAuth;

  beforeAll(async () => {
    database = await startDatabase();
    auth = await startAuth(database, {
      web3: { ethereum: true, solana: true },
      redirectAllowList: ['https://app.example/**', 'https://app.example/', 'http://localhost:3000/'],
      email: { autoconfirm: false },
    });
  });
  afterAll(async () => {
    await auth?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  const grant = async (chain: string, message: string, signature: string, service = auth) =>
    await service.call('POST', '/token?grant_type=web3', { body: { chain, message, signature } });

  test('Solana: a signed message signs in, twice as the same user', async () => {
    const wallet = solanaWallet();
    const text = messageOf('Solana', wallet.address);
    const client = auth.client();
    const signature = Buffer.from(wallet.sign(text), 'base64');
    const { data, error } = await client.signInWithWeb3({ chain: 'solana', message: text, signature });
    expect(error).toBeNull();
    expect(data.user).toMatchObject({
      app_metadata: { provider: 'web3' },
      user_metadata: { custom_claims: { address: wallet.address, chain: 'solana', domain: 'app.example' } },
      identities: [{ provider: 'web3', id: `web3:solana:${wallet.address}` }],
    });
    const again = await grant('solana', text, wallet.sign(text));
    expect(again.body.user).toMatchObject({ id: data.user?.id });
  });

  test('Ethereum: a signed message signs in', async () => {
    const secret = '4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318';
    const wallet = ethereumWallet(Buffer.from(secret, 'hex'));
    expect(wallet.address).toBe('0x2c7536e3605d9c16a7a3d7b1898e529396a65c23');
    const text = messageOf('Ethereum', wallet.address);
    const { status, body } = await grant('ethereum', text, wallet.sign(text));
    expect(status).toBe(200);
    expect(body.user).toMatchObject({ identities: [{ provider: 'web3', id: `web3:ethereum:${wallet.address}` }] });
  });

  test('what another signed, or what was changed, signs nobody in', async () => {
    const [wallet, other] = [solanaWallet(), solanaWallet()];
    const text = messageOf('Solana', wallet.address);
    const refused = { status: 400, body: { error: 'invalid_grant' } };
    expect(await grant('solana', text, other.sign(text))).toMatchObject(refused);
    expect(await grant('solana', `${text}\nRequest ID: 1`, wallet.sign(text))).toMatchObject(refused);
    const ethereum = ethereumWallet();
    const signed = messageOf('Ethereum', ethereum.address);
    expect(await grant('ethereum', signed, ethereumWallet().sign(signed))).toMatchObject(refused);
    expect(await grant('ethereum', signed, `0x${'0'.repeat(128)}1b`)).toMatchObject(refused);
  });

  test('messages for other places and other times', async () => {
    const wallet = solanaWallet();
    const day = 24 * 3600 * 1000;
    for (const [text, why] of [
      [messageOf('Solana', wallet.address, { uri: 'http://app.example/' }), 'HTTPS'],
      [messageOf('Solana', wallet.address, { uri: 'https://evil.example/', domain: 'evil.example' }), 'another app'],
      [messageOf('Solana', wallet.address, { domain: 'evil.example' }), 'Domain'],
      [messageOf('Solana', wallet.address, { issuedAt: new Date(Date.now() - day) }), 'too long ago'],
      [messageOf('Solana', wallet.address, { issuedAt: new Date(Date.now() + day) }), 'in the future'],
      [messageOf('Solana', wallet.address, { lines: ['Expiration Time: 2020-01-01T00:00:00Z'] }), 'expired'],
      [messageOf('Solana', wallet.address, { lines: ['Not Before: 2999-01-01T00:00:00Z'] }), 'in the future'],
    ] as const) {
      const answer = await grant('solana', text, wallet.sign(text));
      expect(answer).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant', error_description: expect.stringContaining(why) },
      });
    }
  });

  test('what is no message, no signature, no chain; and chains that are off', async () => {
    const wallet = solanaWallet();
    const text = messageOf('Solana', wallet.address);
    for (const [chain, message, signature] of [
      ['solana', 'short', wallet.sign(text)],
      ['solana', 'x'.repeat(21 * 1024), wallet.sign(text)],
      ['solana', text, 'short'],
      ['solana', 'x'.repeat(100), wallet.sign(text)],
      ['ethereum', text, '0x12'],
    ] as const) {
      const answer = await grant(chain, message, signature);
      expect(answer).toMatchObject({ status: 400, body: { error_code: 'validation_failed' } });
    }
    expect((await grant('bitcoin', text, wallet.sign(text))).body.error_code).toBe('web3_unsupported_chain');
    const off = await startAuth(database);
    const half = await startAuth(database, { web3: { ethereum: true } });
    try {
      for (const service of [off, half]) {
        const answer = await grant('solana', text, wallet.sign(text), service);
        expect(answer).toMatchObject({ status: 422, body: { error_code: 'web3_provider_disabled' } });
      }
    } finally {
      await off[Symbol.asyncDispose]();
      await half[Symbol.asyncDispose]();
    }
  });
});
