import { createPublicKey, verify } from 'node:crypto';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';

const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** Bitcoin's base58, which Solana's addresses are in; undefined where a character is none of it. */
export function decodeBase58(text: string): Uint8Array | undefined {
  let value = 0n;
  for (const character of text) {
    const digit = alphabet.indexOf(character);
    if (digit < 0) return undefined;
    value = value * 58n + BigInt(digit);
  }
  const digits = value === 0n ? '' : value.toString(16);
  const zeros = /^1*/.exec(text)?.[0].length ?? 0;
  return Uint8Array.from([
    ...new Array<number>(zeros).fill(0),
    ...Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex'),
  ]);
}

/** Points of small order (RFC 8032, 5.1; libsodium refuses the same), without the sign: for such a key anybody can make signatures. */
const weakKeys = new Set([
  `00${'00'.repeat(31)}`,
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

function isWeakKey(key: Uint8Array): boolean {
  const unsigned = Buffer.from(key);
  unsigned[31] = (unsigned[31] ?? 0) & 0x7f;
  return weakKeys.has(unsigned.toString('hex'));
}

/** Whether a Solana account signed the text: its address is its Ed25519 key. */
export function isSignedBySolana(text: string, address: string, signature: Uint8Array): boolean {
  const key = decodeBase58(address);
  if (key?.length !== 32 || signature.length !== 64 || isWeakKey(key)) return false;
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(key).toString('base64url') };
  try {
    return verify(null, Buffer.from(text), createPublicKey({ key: jwk, format: 'jwk' }), signature);
  } catch {
    return false;
  }
}

/** Whether an Ethereum account signed the text as its wallet does (EIP-191, version 0x45). `signature`: r, s and v in hexadecimal. */
export function isSignedByEthereum(text: string, address: string, signature: string): boolean {
  const [, compact, v] = /^(?:0x)?([0-9a-f]{128})([0-9a-f]{2})$/i.exec(signature) ?? [];
  if (compact === undefined || v === undefined) return false;
  const parity = [0, 1, 27, 28].indexOf(Number.parseInt(v, 16));
  if (parity < 0) return false;
  const recovered = Uint8Array.from([parity % 2, ...Buffer.from(compact, 'hex')]);
  try {
    const parsed = secp256k1.Signature.fromBytes(recovered, 'recovered');
    // The library's recovery takes the higher form of s, which is the same signature written otherwise (EIP-2).
    return !parsed.hasHighS() && ethereumAddress(parsed.recoverPublicKey(hashOf(text))) === address.toLowerCase();
  } catch {
    return false;
  }
}

/** What a wallet signs for a text. */
function hashOf(text: string): Uint8Array {
  const message = Buffer.from(text);
  return keccak_256(Buffer.concat([Buffer.from(`\x19Ethereum Signed Message:\n${message.length}`), message]));
}

/** The last 20 bytes of the key's hash, in small letters. */
function ethereumAddress(key: { toBytes(compressed: boolean): Uint8Array }): string {
  return `0x${Buffer.from(keccak_256(key.toBytes(false).subarray(1)))
    .subarray(-20)
    .toString('hex')}`;
}
