import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  classifyApiKey,
  generateKeyMaterial,
  type KeyKind,
  type KeyMaterial,
  keyKinds,
  parseKeyMaterial,
  publicJwks,
  renderKeyMaterial,
  rotateKey,
  signApiToken,
  verifyToken,
} from '../src/index.js';

const hour = 3_600_000;
const start = Date.parse('2026-01-01T00:00:00Z');
const step = fc.record({
  kind: fc.constantFrom(...keyKinds),
  graceMilliseconds: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 48 * hour })),
  wait: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 30 * hour })),
});

/** One key that ever was, by what its holder shows, and until when it must be accepted. */
interface Issued {
  readonly kind: KeyKind;
  readonly shown: string;
  validUntil: number;
}

async function issue(kind: KeyKind, material: KeyMaterial, now: Date): Promise<Issued> {
  const issuedAt = now;
  switch (kind) {
    case 'jwt-secret':
      return { kind, shown: await signApiToken('anon', material, { issuedAt }), validUntil: Number.POSITIVE_INFINITY };
    case 'signing': {
      const shown = await signApiToken('anon', material, { issuedAt, algorithm: 'ES256' });
      return { kind, shown, validUntil: Number.POSITIVE_INFINITY };
    }
    default:
      return { kind, shown: material[kind].current.value, validUntil: Number.POSITIVE_INFINITY };
  }
}

async function accepts({ kind, shown }: Issued, material: KeyMaterial, now: Date): Promise<boolean> {
  if (kind === 'jwt-secret' || kind === 'signing') return (await verifyToken(shown, material, now)).valid;
  return classifyApiKey(shown, material, now) === kind;
}

it('a key is accepted exactly while it is in use or within every grace since, whatever is rotated when', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.nat({ max: 60 * hour }), async (steps, after) => {
      let now = new Date(start);
      let material = generateKeyMaterial(now);
      const issued = await Promise.all(keyKinds.map((kind) => issue(kind, material, now)));
      const check = async (at: Date) => {
        for (const key of issued)
          expect(await accepts(key, material, at), `${key.kind} at ${at.toISOString()}`).toBe(
            at.getTime() < key.validUntil,
          );
      };
      for (const { kind, graceMilliseconds, wait } of steps) {
        now = new Date(now.getTime() + wait);
        material = rotateKey(material, kind, { now, graceMilliseconds });
        for (const key of issued.filter((each) => each.kind === kind))
          key.validUntil = Math.min(key.validUntil, now.getTime() + graceMilliseconds);
        issued.push(await issue(kind, material, now));
        expect(parseKeyMaterial(renderKeyMaterial(material), 'keys.json')).toEqual(material);
        await check(now);
      }
      const ends = issued
        .map(({ validUntil }) => validUntil)
        .filter((end) => Number.isFinite(end) && end > now.getTime());
      for (const at of [now.getTime() + after, ...ends, ...ends.map((end) => end - 1)]) await check(new Date(at));
      const accepted = issued.filter(({ kind, validUntil }) => kind === 'signing' && validUntil > now.getTime());
      expect(publicJwks(material, now).keys).toHaveLength(accepted.length);
    }),
    { numRuns: 25 },
  );
});

it('rotation leaves the other kinds alone and keeps nothing that has expired', () => {
  const now = new Date(start);
  const before = generateKeyMaterial(now);
  for (const kind of keyKinds) {
    const after = rotateKey(before, kind, { now, graceMilliseconds: 1000 });
    expect({ ...after, [kind]: before[kind] }).toEqual(before);
    expect(after[kind].current).not.toEqual(before[kind].current);
    expect(after[kind].previous).toEqual([{ ...before[kind].current, expiresAt: '2026-01-01T00:00:01.000Z' }]);
    const later = rotateKey(after, kind, { now: new Date(start + 1000), graceMilliseconds: hour });
    expect(later[kind].previous.map(({ id }) => id)).toEqual([after[kind].current.id]);
  }
});
