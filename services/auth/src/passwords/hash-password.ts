import { createCipheriv, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { verify as verifyArgon } from '@node-rs/argon2';
import { hash, verify } from '@node-rs/bcrypt';
import { validationFailed } from '../errors.js';

/** bcrypt reads no more; what came after would not count. */
export const longestPassword = 72;

/** Off the event loop. 400 validation_failed where the password is too long for bcrypt. */
export async function hashPassword(password: string, cost: number): Promise<string> {
  if (Buffer.byteLength(password) > longestPassword)
    throw validationFailed(`Password cannot be longer than ${longestPassword} characters`);
  // Go's bcrypt writes $2a$ too.
  return await hash(password, { cost, version: '2a' });
}

/** A password that nobody will ever type. */
export function randomPassword(): string {
  return randomBytes(48).toString('base64url');
}

const bcryptPattern = /^\$2[abxy]?\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const firebasePattern =
  /^\$fbscrypt\$v=1,n=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})(?:,ss=([^,]+))?(?:,sk=([^$]+))?\$([^$]+)\$(.+)$/;

/** The PHC string format, version 1.3 of the algorithm. Argon2d is not for passwords, and GoTrue knows none. */
const argonPattern =
  /^\$argon2id?\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,86}$/;

/** Four are checked at once; KiB, and KiB times passes. The largest of usual defaults is 100 MiB. */
const argonLimits = { memory: 256 * 1024, work: 1024 * 1024, lanes: 16 };

/** Whether we can check a password against such a hash: bcrypt, Argon2i, Argon2id, or Firebase's scrypt, within bounds of time and memory. */
export function isKnownHash(stored: string): boolean {
  return bcryptPattern.test(stored) || firebasePattern.test(stored) || isArgon(stored);
}

function isArgon(stored: string): boolean {
  const [memory, passes, lanes] = (argonPattern.exec(stored) ?? []).slice(1).map(Number);
  if (memory === undefined || passes === undefined || lanes === undefined) return false;
  const { memory: most, work, lanes: threads } = argonLimits;
  return (
    passes > 0 && lanes > 0 && lanes <= threads && memory >= 8 * lanes && memory <= most && memory * passes <= work
  );
}

/** False for every hash that we do not know, and for none. */
export async function verifyPassword(password: string, stored: string | null): Promise<boolean> {
  if (stored === null || stored === '') return false;
  if (bcryptPattern.test(stored)) return await verify(password, stored).catch(() => false);
  if (isArgon(stored)) return await verifyArgon(stored, password).catch(() => false);
  return await verifyFirebase(password, stored);
}

/** As long as checking a real one takes: who asks for an unknown user learns nothing from the time. */
export async function pretendToVerify(password: string, cost: number): Promise<void> {
  const made = dummies.get(cost) ?? (await hash('nobody has this password', { cost }));
  dummies.set(cost, made);
  await verify(password, made).catch(() => false);
}

const dummies = new Map<number, string>();

/** Firebase's variant of scrypt (github.com/firebase/scrypt): the derived key encrypts the project's signer key by AES-256-CTR. */
async function verifyFirebase(password: string, stored: string): Promise<boolean> {
  const [, n, r, p, separator = '', signerKey = '', salt = '', expected = ''] = firebasePattern.exec(stored) ?? [];
  const power = Number(n);
  if (n === undefined || power < 1 || power > 20) return false;
  const N = 2 ** power;
  const options = { N, r: Number(r), p: Number(p), maxmem: 256 * N * Number(r) + 1024 * 1024 };
  const salted = Buffer.concat([Buffer.from(salt, 'base64'), Buffer.from(separator, 'base64')]);
  const key = await new Promise<Buffer | undefined>((resolve) =>
    scrypt(password, salted, 32, options, (error, derived) => resolve(error === null ? derived : undefined)),
  ).catch(() => undefined);
  if (key === undefined) return false;
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  const made = Buffer.concat([cipher.update(Buffer.from(signerKey, 'base64')), cipher.final()]);
  const wanted = Buffer.from(expected, 'base64');
  return made.length === wanted.length && made.length > 0 && timingSafeEqual(made, wanted);
}
