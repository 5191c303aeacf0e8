import { acceptedKeys, classifyApiKey, type KeyMaterial, signApiToken, verifyToken } from '@holdfast/keys';

/** What a client's key makes of it. */
export interface KeyVerdict {
  /** The role of the key. */
  readonly role: string;
  /**
   * What the service behind is told in `Authorization` when the client told nothing: a token for the key's role. One text for all requests with this
   * key, so that whoever looks it up need not read it again.
   */
  readonly authorization: string;
}

interface Remembered {
  readonly verdict: KeyVerdict | undefined;
  /** Milliseconds since the epoch: judged anew from then on. */
  readonly until: number;
}

/** Tokens expire and keys are retired meanwhile. */
const rememberMilliseconds = 10_000;
const rememberedAtMost = 1000;

/** Judges keys, and remembers for a while what it found: the same few come with every request. */
export class KeyJudge {
  readonly #keys: () => KeyMaterial;
  readonly #now: () => Date;
  readonly #remembered = new Map<string, Remembered>();
  #material: KeyMaterial | undefined;

  constructor(keys: () => KeyMaterial, now: () => Date = () => new Date()) {
    this.#keys = keys;
    this.#now = now;
  }

  /**
   * undefined: it is none of ours, or not any more. A key is one of the opaque ones, or a token by one of our keys; with `anyRole` also one of another role
   * than the two of keys, such as the one that a user has after signing in. At once where it is remembered, which is nearly always.
   */
  judge(key: string, anyRole: boolean): KeyVerdict | undefined | Promise<KeyVerdict | undefined> {
    const material = this.#keys();
    const now = this.#now();
    if (material !== this.#material) this.#remembered.clear();
    this.#material = material;
    const known = this.#remembered.get(key);
    if (known !== undefined && known.until > now.getTime()) return restricted(known.verdict, anyRole);
    return this.#learn(key, material, now).then((verdict) => restricted(verdict, anyRole));
  }

  async #learn(key: string, material: KeyMaterial, now: Date): Promise<KeyVerdict | undefined> {
    const { verdict, expires } = await judgeNow(key, material, now);
    // Judged by keys that are not those of now, it is nothing to remember.
    if (material !== this.#material) return verdict;
    if (this.#remembered.size >= rememberedAtMost) this.#remembered.clear();
    this.#remembered.set(key, { verdict, until: Math.min(now.getTime() + rememberMilliseconds, expires) });
    return verdict;
  }
}

function restricted(verdict: KeyVerdict | undefined, anyRole: boolean): KeyVerdict | undefined {
  return anyRole || verdict?.role === 'anon' || verdict?.role === 'service_role' ? verdict : undefined;
}

async function judgeNow(
  key: string,
  material: KeyMaterial,
  now: Date,
): Promise<{ readonly verdict: KeyVerdict | undefined; readonly expires: number }> {
  const expires = firstRetirement(material, now);
  switch (classifyApiKey(key, material, now)) {
    case 'publishable':
      return { verdict: verdictOf('anon', await signApiToken('anon', material)), expires };
    case 'secret':
      return { verdict: verdictOf('service_role', await signApiToken('service_role', material)), expires };
    case 'unknown':
      return { verdict: undefined, expires };
    case 'jwt': {
      const judged = await verifyToken(key, material, now);
      if (!judged.valid) return { verdict: undefined, expires };
      const { role, exp } = judged.claims;
      const ends = exp === undefined ? expires : Math.min(expires, exp * 1000);
      return { verdict: verdictOf(typeof role === 'string' ? role : '', key), expires: ends };
    }
  }
}

function verdictOf(role: string, token: string): KeyVerdict {
  return { role, authorization: `Bearer ${token}` };
}

/** When a key that is still accepted will not be any more; milliseconds since the epoch. */
function firstRetirement(material: KeyMaterial, now: Date): number {
  const rings = [material['jwt-secret'], material.signing, material.publishable, material.secret];
  const ends = rings.flatMap((ring) =>
    ring.previous
      .filter(({ id }) => acceptedKeys<unknown>(ring, now).some((key) => key.id === id))
      .map(({ expiresAt }) => Date.parse(expiresAt)),
  );
  return Math.min(Number.POSITIVE_INFINITY, ...ends);
}
