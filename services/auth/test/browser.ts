import type { SoftwareAuthenticator } from './software-authenticator.js';

const encode = (bytes: ArrayBuffer | Uint8Array) => Buffer.from(new Uint8Array(bytes)).toString('base64url');

interface Asked {
  readonly publicKey: {
    readonly challenge: ArrayBuffer;
    readonly rp?: { readonly id?: string };
    readonly rpId?: string;
    readonly user?: { readonly id: ArrayBuffer };
  };
}

/** What of a browser (WebAuthn Level 3, 5.1) auth-js looks for while `work` runs: an authenticator behind `navigator.credentials`. */
export async function inBrowser<T>(authenticator: SoftwareAuthenticator, work: () => Promise<T>): Promise<T> {
  class PublicKeyCredential {
    readonly #made: object;
    constructor(made: object) {
      this.#made = made;
      Object.assign(this, made);
    }
    toJSON(): object {
      return this.#made;
    }
  }
  const credentials = {
    create: async ({ publicKey }: Asked) =>
      new PublicKeyCredential(
        authenticator.create({
          challenge: encode(publicKey.challenge),
          rp: publicKey.rp ?? {},
          user: { id: encode(publicKey.user?.id ?? new ArrayBuffer(0)) },
        }),
      ),
    get: async ({ publicKey: { challenge, rpId } }: Asked) =>
      new PublicKeyCredential(
        authenticator.get({ challenge: encode(challenge), ...(rpId === undefined ? {} : { rpId }) }),
      ),
  };
  const location = { hostname: 'localhost', origin: authenticator.origin, href: `${authenticator.origin}/` };
  const given = {
    window: { PublicKeyCredential, location },
    document: {},
    PublicKeyCredential,
    navigator: { credentials },
  };
  const before = Object.keys(given).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const);
  try {
    for (const [name, value] of Object.entries(given)) {
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    }
    return await work();
  } finally {
    for (const [name, descriptor] of before) {
      if (descriptor === undefined) Reflect.deleteProperty(globalThis, name);
      else Object.defineProperty(globalThis, name, descriptor);
    }
  }
}
