/** SEC 2, 2.4.1: y² = x³ + 7 over p, with the base point g of order n. */
const p = 2n ** 256n - 2n ** 32n - 977n;
const n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
export const basePoint: Point = {
  x: 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  y: 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
};

export interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

const mod = (value: bigint, modulus: bigint): bigint => ((value % modulus) + modulus) % modulus;

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = mod(base, modulus);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** Fermat; both moduli are primes. */
export const invert = (value: bigint, modulus: bigint = n): bigint => power(value, modulus - 2n, modulus);

/** undefined is the point at infinity. */
function add(a: Point | undefined, b: Point | undefined): Point | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  if (a.x === b.x && mod(a.y + b.y, p) === 0n) return undefined;
  const slope =
    a.x === b.x ? mod(3n * a.x * a.x * invert(2n * a.y, p), p) : mod((b.y - a.y) * invert(mod(b.x - a.x, p), p), p);
  const x = mod(slope * slope - a.x - b.x, p);
  return { x, y: mod(slope * (a.x - x) - a.y, p) };
}

/** Not in constant time: for public data, and tests, alone. */
export function multiply(point: Point, scalar: bigint): Point | undefined {
  let sum: Point | undefined;
  let double: Point | undefined = point;
  for (let rest = mod(scalar, n); rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) sum = add(sum, double);
    double = add(double, double);
  }
  return sum;
}

export const curveOrder = n;

/**
 * The public key by which a hash was signed (SEC 1, 4.1.6); undefined where the signature is none. `odd` says which of the two points with x = r it
 * is. Only the lower s counts (EIP-2), so that a signature has no second form.
 */
export function recoverPublicKey(hash: Uint8Array, r: bigint, s: bigint, odd: boolean): Point | undefined {
  if (r <= 0n || r >= n || s <= 0n || s > n / 2n) return undefined;
  const square = mod(r * r * r + 7n, p);
  const root = power(square, (p + 1n) / 4n, p);
  if (mod(root * root, p) !== square) return undefined;
  const y = (root & 1n) === (odd ? 1n : 0n) ? root : p - root;
  const z = BigInt(`0x${Buffer.from(hash).toString('hex')}`);
  const inverse = invert(r);
  return add(multiply({ x: r, y }, s * inverse), multiply(basePoint, -z * inverse));
}
