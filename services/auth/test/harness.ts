import { type ApiRole, generateKeyMaterial, type KeyMaterial, rotateKey, signApiToken } from '@holdfast/keys';
import { applyMigrations, readSupabaseSchema } from '@holdfast/migrations';
import { connect, type OpenDatabase, openDatabase } from '@holdfast/postgres';
import { GoTrueClient } from '@supabase/auth-js';
import Fastify, { type FastifyInstance } from 'fastify';
import { postgresBin, startThrowAwayPostgres } from '../../../packages/postgres/test/throw-away-postgres.js';
import { type AuthSettingsInput, auth } from '../src/index.js';

export { postgresBin } from '../../../packages/postgres/test/throw-away-postgres.js';

/** A PostgreSQL with the project's schema; each test file has one. */
export interface TestDatabase extends AsyncDisposable {
  /** As supabase_auth_admin. */
  readonly database: OpenDatabase;
  /** As a superuser: rows as objects. */
  sql<Row extends Record<string, unknown> = Record<string, unknown>>(
    text: string,
    ...values: readonly unknown[]
  ): Promise<readonly Row[]>;
}

export async function startDatabase(): Promise<TestDatabase> {
  const server = await startThrowAwayPostgres(postgresBin ?? '', { settings: ['max_connections=40'] });
  const options = { timeoutMilliseconds: 5000, statementTimeoutMilliseconds: 60_000 };
  const connection = await connect(server.target, options);
  const { signal } = new AbortController();
  const [main] = await readSupabaseSchema();
  await applyMigrations(connection, main?.migrations ?? [], { signal });
  await connection.query("ALTER ROLE supabase_auth_admin PASSWORD 'of the test'");
  const database = openDatabase({ ...server.target, user: 'supabase_auth_admin', password: 'of the test' });
  return {
    database,
    sql: async (text, ...values) => await connection.query(text, values),
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      await connection[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The service on a port of its own, below /auth/v1. */
export interface TestAuth extends AsyncDisposable {
  readonly url: string;
  readonly keys: KeyMaterial;
  /** A new client of the official library, without a session. */
  client(options?: { readonly flowType?: 'implicit' | 'pkce' }): GoTrueClient;
  /** With a key of an administrator. */
  admin(): Promise<GoTrueClient>;
  token(role: ApiRole): Promise<string>;
  call(
    method: string,
    path: string,
    options?: { readonly body?: unknown; readonly token?: string; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<Answer>;
  /** Mails in memory, newest first. */
  mails(
    to: string,
  ): Promise<
    readonly { readonly subject: string; readonly html: string; readonly otp: string; readonly link: string }[]
  >;
  /** Signs with another key from now on, of the same kind unless said; the one before is accepted for an hour. */
  rotateSigningKey(algorithm?: 'ES256' | 'RS256'): void;
  /** Moves the service's clock on. */
  advance(seconds: number): void;
  readonly app: FastifyInstance;
}

/** Limits are so high that tests do not meet them, unless they say otherwise. */
const generous = {
  email: 10_000,
  sms: 10_000,
  anonymousUsers: 10_000,
  tokenRefresh: 10_000,
  verify: 10_000,
  otp: 10_000,
  signUpsAndSignIns: 10_000,
  sso: 10_000,
  web3: 10_000,
  passkey: 10_000,
  mfa: 10_000,
  oauthRegistration: 10_000,
};

export async function startAuth(
  { database }: Pick<TestDatabase, 'database'>,
  settings: AuthSettingsInput = {},
): Promise<TestAuth> {
  let keys = generateKeyMaterial(new Date());
  const app = Fastify();
  const stop = new AbortController();
  let shift = 0;
  const now = () => new Date(Date.now() + shift);
  const password = { bcryptCost: 4, ...settings.password };
  const rateLimits = { ...generous, ...settings.rateLimits };
  const email = { maxFrequencySeconds: 0, ...settings.email };
  const phone = { maxFrequencySeconds: 0, ...settings.phone };
  const options = {
    database,
    keys: () => keys,
    settings: { ...settings, password, rateLimits, email, phone },
    signal: stop.signal,
    now,
  };
  await app.register(auth, { prefix: '/auth/v1', ...options });
  const origin = await app.listen({ port: 0, host: '127.0.0.1' });
  const url = `${origin}/auth/v1`;
  const token = async (role: ApiRole) => await signApiToken(role, keys);

  const call: TestAuth['call'] = async (method, path, { body, token: bearer, headers = {} } = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const type = response.headers.get('content-type') ?? '';
    return {
      status: response.status,
      headers: response.headers,
      body: type.includes('json') && text !== '' ? JSON.parse(text) : { text },
    };
  };

  return {
    url,
    get keys() {
      return keys;
    },
    app,
    token,
    call,
    client: ({ flowType = 'implicit' } = {}) => newClient(url, flowType, {}),
    admin: async () => newClient(url, 'implicit', { Authorization: `Bearer ${await token('service_role')}` }),
    async mails(to) {
      const list = await call('GET', `/inbox/api/v1/search?query=${encodeURIComponent(`to:${to}`)}`);
      const messages = list.body.messages as readonly { readonly ID: string; readonly Subject: string }[];
      return await Promise.all(
        messages.map(async ({ ID, Subject }) => {
          const { body } = await call('GET', `/inbox/api/v1/message/${ID}`);
          const html = String(body.HTML);
          const [, link = ''] = /href="([^"]*)"/.exec(html) ?? [];
          const [, otp = ''] = /code: (\d+)/.exec(html) ?? [];
          return { subject: Subject, html, otp, link: link.replaceAll('&amp;', '&') };
        }),
      );
    },
    rotateSigningKey(algorithm) {
      const kind = algorithm === undefined ? {} : { signingAlgorithm: algorithm };
      keys = rotateKey(keys, 'signing', { now: now(), graceMilliseconds: 3_600_000, ...kind });
    },
    advance(seconds) {
      shift += seconds * 1000;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await app.close();
    },
  };
}

function newClient(
  url: string,
  flowType: 'implicit' | 'pkce',
  headers: Readonly<Record<string, string>>,
): GoTrueClient {
  const stored = new Map<string, string>();
  return new GoTrueClient({
    url,
    flowType,
    headers: { ...headers },
    autoRefreshToken: false,
    persistSession: true,
    detectSessionInUrl: false,
    storage: {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => void stored.set(key, value),
      removeItem: (key: string) => void stored.delete(key),
    },
  });
}

let counter = 0;

/** An address that nobody has yet. */
export function freshEmail(): string {
  counter += 1;
  return `person${counter}.${process.pid}@example.com`;
}

/** A number that nobody has yet. */
export function freshPhone(): string {
  counter += 1;
  return `4915${String(process.pid % 100_000).padStart(5, '0')}${String(counter).padStart(5, '0')}`;
}
