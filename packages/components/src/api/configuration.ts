import { join } from 'node:path';
import { type ApiSpec, type ClusterSpec, isLoopback, secret, type Template } from '@holdfast/spec';
import { connectHost } from '../addresses.js';
import { statePaths, unitDirectory } from '../paths.js';
import type { Layout } from '../plan.js';
import type { UnitCopy } from '../unit.js';

export const apiUnitId = 'api';

/** The API's own copy of the keys, which `holdfast keys rotate` brings up to date; the program looks at it every second. */
export function apiKeysCopy(place: Place): UnitCopy {
  return { from: statePaths(place.stateDirectory).keys, path: copyPath(place, 'keys.json'), mode: 0o600 };
}

/** The same for the mail server's password; undefined: there is none. */
export function apiMailPasswordCopy(place: Place, { auth }: ApiSpec): UnitCopy | undefined {
  const from = auth.mail?.passwordFile;
  if (from === undefined) return undefined;
  return { from, path: copyPath(place, 'mail-password'), mode: 0o600 };
}

type Place = Pick<Layout, 'stateDirectory' | 'copies'>;

function copyPath({ stateDirectory, copies }: Place, name: string): string {
  return join(copies ?? unitDirectory(stateDirectory, apiUnitId), name);
}

/** Marks that stand where passwords go; JSON needs no escapes in what secrets are made of. */
const marks = { authenticator: '<authenticator>', 'supabase-auth-admin': '<supabase-auth-admin>' } as const;

/** What services/gateway/src/configuration.ts reads. Pure. */
export function renderApiConfiguration({
  spec,
  layout,
}: {
  readonly spec: ClusterSpec;
  readonly layout: Place & Pick<Layout, 'listen'>;
}): Template {
  const { api, haproxy } = spec;
  const mailPassword = apiMailPasswordCopy(layout, api);
  const text = JSON.stringify(
    {
      host: layout.listen ?? api.host,
      port: api.port,
      database: {
        host: connectHost(haproxy.host),
        readWritePort: haproxy.readWritePort,
        readOnlyPort: haproxy.readOnlyPort,
        name: 'postgres',
        authenticatorPassword: marks.authenticator,
        authAdminPassword: marks['supabase-auth-admin'],
        connectionsAtMost: api.connections,
        rideMilliseconds: api.rideMilliseconds,
      },
      keysFile: apiKeysCopy(layout).path,
      workers: api.workers,
      gateway: {
        ...(api.allowedOrigins === undefined ? {} : { allowedOrigins: api.allowedOrigins }),
        trustForwarded: api.trustForwarded,
        ...(api.rateLimit === undefined ? {} : { rateLimit: { perSecond: api.rateLimit, burst: 2 * api.rateLimit } }),
        accessLog: api.accessLog,
      },
      rest: api.rest,
      auth: authSettings(spec),
      ...(mailPassword === undefined ? {} : { mailPasswordFile: mailPassword.path }),
    },
    null,
    2,
  );
  const [head = '', afterFirst = ''] = text.split(marks.authenticator);
  const [middle = '', tail = ''] = afterFirst.split(marks['supabase-auth-admin']);
  return [head, secret('authenticator'), middle, secret('supabase-auth-admin'), `${tail}\n`];
}

/** By the names of services/auth/src/settings/schema.ts. */
function authSettings({ api, listen, runtime }: ClusterSpec): Readonly<Record<string, unknown>> {
  const { auth, profile } = api;
  const strict = profile === 'production';
  return merge(
    {
      siteUrl: api.siteUrl,
      externalUrl: `${api.externalUrl}/auth/v1`,
      redirectAllowList: api.redirectUrls,
      jwt: { expirySeconds: auth.jwtExpirySeconds },
      signup: { disabled: !auth.signUp, anonymous: auth.anonymous },
      email: { autoconfirm: !auth.confirmEmail, ...(strict ? { maxFrequencySeconds: 60 } : {}) },
      password: { minimumLength: auth.passwordLength, ...(strict ? { requireReauthentication: true } : {}) },
      // Without a mail server Auth keeps mails in memory, which shows everybody's to anybody.
      // The inbox shows links that sign somebody in to whoever asks for it.
      mail: {
        ...mailSettings(auth.mail),
        ...(strict || runtime === 'kubernetes' || !isLoopback(listen) ? { inbox: false } : {}),
      },
    },
    auth.settings,
  );
}

function mailSettings(mail: ApiSpec['auth']['mail']): Readonly<Record<string, unknown>> {
  if (mail === undefined) return {};
  const { host, port, tls, user, from, senderName } = mail;
  const smtp = host === undefined ? undefined : defined({ host, port, tls, user });
  return defined({ smtp, from, senderName });
}

function defined(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** Groups are merged, everything else is replaced. */
function merge(
  base: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const merged = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const old = merged[name];
    merged[name] = isGroup(old) && isGroup(value) ? merge(old, value) : value;
  }
  return merged;
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
