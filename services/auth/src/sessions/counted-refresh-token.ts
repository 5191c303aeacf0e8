import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * The second form of a refresh token (supabase/auth, internal/crypto/refresh_tokens.go), base64url of: version 0, the session's id, a counter
 * (unsigned LEB128), 16 bytes of HMAC-SHA-256 of all that, 4 bytes of SHA-256 of all that. The session's row holds key and newest counter, so a
 * refresh writes one row.
 */
export interface CountedRefreshToken {
  readonly sessionId: string;
  readonly counter: bigint;
}

export interface ParsedRefreshToken extends CountedRefreshToken {
  readonly signed: Buffer;
  readonly signature: Buffer;
}

const signatureBytes = 16;
const checksumBytes = 4;
const shortest = 1 + 16 + 1 + signatureBytes + checksumBytes;
const longest = shortest + 9;
const largestCounter = 2n ** 63n - 1n;

export function newRefreshKey(): Buffer {
  return randomBytes(32);
}

export function encodeRefreshToken({ sessionId, counter }: CountedRefreshToken, key: Buffer): string {
  const id = Buffer.from(sessionId.replaceAll('-', ''), 'hex');
  const signed = Buffer.concat([Buffer.of(0), id, encodeCounter(counter)]);
  const body = Buffer.concat([signed, sign(signed, key)]);
  return Buffer.concat([body, checksum(body)]).toString('base64url');
}

/** Undefined: it is no such token. Says nothing about its signature. */
export function parseRefreshToken(token: string): ParsedRefreshToken | undefined {
  if (!/^[\w-]{50,64}$/.test(token)) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length < shortest || bytes.length > longest || bytes[0] !== 0) return undefined;
  if (bytes.toString('base64url') !== token) return undefined;
  const body = bytes.subarray(0, -checksumBytes);
  if (!timingSafeEqual(checksum(body), bytes.subarray(-checksumBytes))) return undefined;
  const signed = body.subarray(0, -signatureBytes);
  const counter = decodeCounter(signed.subarray(17));
  if (counter === undefined) return undefined;
  const hex = signed.subarray(1, 17).toString('hex');
  const sessionId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { sessionId, counter, signed, signature: body.subarray(-signatureBytes) };
}

export function isSignedBy({ signed, signature }: ParsedRefreshToken, key: Buffer): boolean {
  return timingSafeEqual(sign(signed, key), signature);
}

function sign(signed: Buffer, key: Buffer): Buffer {
  return createHmac('sha256', key).update(signed).digest().subarray(0, signatureBytes);
}

function checksum(body: Buffer): Buffer {
  return createHash('sha256').update(body).digest().subarray(0, checksumBytes);
}

function encodeCounter(counter: bigint): Buffer {
  const bytes: number[] = [];
  let rest = counter;
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}

/** Undefined where the bytes are not exactly one number of 63 bits. */
function decodeCounter(bytes: Buffer): bigint | undefined {
  let counter = 0n;
  for (const [index, byte] of bytes.entries()) {
    counter |= BigInt(byte & 127) << BigInt(7 * index);
    if (byte < 128) return index === bytes.length - 1 && counter <= largestCounter ? counter : undefined;
  }
  return undefined;
}
