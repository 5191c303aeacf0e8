import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';
import { extendedSettings } from './extended.js';
import { hookSettings } from './hooks.js';
import { mailSettings } from './mail.js';
import { providerSettings } from './providers.js';
import { rateLimitSettings } from './rate-limits.js';
import { smsSettings } from './sms.js';

function isRsaKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}

const seconds = (fallback: number) => z.number().nonnegative().default(fallback);

/**
 * How Auth behaves. Durations are in seconds. Defaults are those of the Supabase CLI's local set-up (supabase/cli, config.toml):
 * no confirmation of email addresses, passwords of 6 characters or more, codes of 6 digits that live for an hour.
 */
export const authSettings = z.strictObject({
  /** The application's own URL: where links lead that name no other place. */
  siteUrl: z.string().default('http://127.0.0.1:3000'),
  /** How the outside world reaches this service, with its prefix: links in mails and OAuth callbacks start with it. */
  externalUrl: z.string().default('http://127.0.0.1:8000/auth/v1'),
  /** Further places that links may lead to: globs, where `*` stops at `.` and `/`, and `**` does not. */
  redirectAllowList: z.array(z.string()).default([]),
  jwt: z
    .strictObject({
      /** Default: externalUrl. */
      issuer: z.string().optional(),
      audience: z.string().default('authenticated'),
      defaultRole: z.string().default('authenticated'),
      adminRoles: z.array(z.string()).default(['service_role', 'supabase_admin']),
      expirySeconds: z.number().int().positive().default(3600),
      /** HS256: by the JWT secret. ES256: by the signing key, whose own algorithm may also be RS256. */
      algorithm: z.enum(['ES256', 'HS256']).default('ES256'),
    })
    .prefault({}),
  signup: z
    .strictObject({
      disabled: z.boolean().default(false),
      anonymous: z.boolean().default(false),
      email: z.boolean().default(true),
      phone: z.boolean().default(false),
    })
    .prefault({}),
  email: z
    .strictObject({
      autoconfirm: z.boolean().default(true),
      /** Both the old and the new address must agree to a change. */
      doubleConfirmChanges: z.boolean().default(true),
      otpLength: z.number().int().min(6).max(10).default(6),
      otpExpirySeconds: seconds(3600),
      /** At least so long between two mails to the same user. */
      maxFrequencySeconds: seconds(1),
      /** Addresses or `*@domain`; empty: everybody may be written to. */
      authorizedAddresses: z.array(z.string()).default([]),
      /** Unverified email sign-ins are let in (GoTrue's MAILER_ALLOW_UNVERIFIED_EMAIL_SIGN_INS). */
      allowUnverifiedSignIns: z.boolean().default(false),
      /** Codes for addresses that get no mail: for tests. */
      testOtps: z.record(z.string(), z.string()).default({}),
    })
    .prefault({}),
  phone: z
    .strictObject({
      autoconfirm: z.boolean().default(true),
      otpLength: z.number().int().min(6).max(10).default(6),
      otpExpirySeconds: seconds(60),
      maxFrequencySeconds: seconds(5),
      template: z.string().default('Your code is {{ .Code }}'),
      /** Codes for numbers that get no message: for tests. */
      testOtps: z.record(z.string(), z.string()).default({}),
      /** ISO 8601; from then on testOtps count no more. */
      testOtpsValidUntil: z.iso.datetime({ offset: true }).optional(),
    })
    .prefault({}),
  password: z
    .strictObject({
      minimumLength: z.number().int().min(1).max(72).default(6),
      /** Each text is a set of characters of which one must occur. */
      requiredCharacters: z.array(z.string()).default([]),
      /** A change needs a code that was sent by /reauthenticate. */
      requireReauthentication: z.boolean().default(false),
      /** A change needs the current password (`current_password`). */
      requireCurrentPassword: z.boolean().default(false),
      bcryptCost: z.number().int().min(4).max(16).default(10),
      /** Asks a service like haveibeenpwned.com for the password's prefix; HF: off by default, since it needs the internet. */
      leaked: z
        .strictObject({
          enabled: z.boolean().default(false),
          url: z.string().default('https://api.pwnedpasswords.com'),
          /** Refuse when the service does not answer. */
          failClosed: z.boolean().default(false),
        })
        .prefault({}),
    })
    .prefault({}),
  sessions: z
    .strictObject({
      /** A used refresh token is answered with its successor for so long. */
      refreshReuseIntervalSeconds: seconds(10),
      /** A refresh token that is used twice ends its session. */
      rotateRefreshTokens: z.boolean().default(true),
      /** A session ends after so long, 0: never. */
      timeboxSeconds: seconds(0),
      /** A session ends when it was not refreshed for so long, 0: never. */
      inactivitySeconds: seconds(0),
      /** The form of new refresh tokens: 1, rows of auth.refresh_tokens; 2, signed counters. Both are always accepted. */
      refreshTokenVersion: z.union([z.literal(1), z.literal(2)]).default(1),
      singlePerUser: z.boolean().default(false),
      /** Sessions with these tags are apart for singlePerUser. */
      tags: z.array(z.string()).default([]),
    })
    .prefault({}),
  flows: z
    .strictObject({
      /** How long a code of PKCE, or an OAuth sign-in under way, may take. */
      expirySeconds: seconds(300),
    })
    .prefault({}),
  identities: z.strictObject({ manualLinking: z.boolean().default(false) }).prefault({}),
  mfa: z
    .strictObject({
      maxEnrolledFactors: z.number().int().nonnegative().default(10),
      maxVerifiedFactors: z.number().int().nonnegative().default(10),
      challengeExpirySeconds: seconds(300),
      factorExpirySeconds: seconds(300),
      totp: z.strictObject({ enroll: z.boolean().default(true), verify: z.boolean().default(true) }).prefault({}),
      phone: z
        .strictObject({
          enroll: z.boolean().default(false),
          verify: z.boolean().default(false),
          otpLength: z.number().int().min(6).max(10).default(6),
          maxFrequencySeconds: seconds(5),
          template: z.string().default('Your code is {{ .Code }}'),
        })
        .prefault({}),
      webauthn: z.strictObject({ enroll: z.boolean().default(false), verify: z.boolean().default(false) }).prefault({}),
    })
    .prefault({}),
  passkeys: z
    .strictObject({
      enabled: z.boolean().default(false),
      rpId: z.string().default('localhost'),
      rpName: z.string().default('Holdfast'),
      origins: z.array(z.string()).default(['http://localhost:3000']),
      challengeExpirySeconds: seconds(300),
      maxPerUser: z.number().int().nonnegative().default(10),
    })
    .prefault({}),
  web3: z.strictObject({ ethereum: z.boolean().default(false), solana: z.boolean().default(false) }).prefault({}),
  saml: z
    .strictObject({
      enabled: z.boolean().default(false),
      /** PEM, RSA: signs requests. Without one they are not signed. */
      privateKey: z.string().refine(isRsaKey, 'is not a private RSA key in PEM').optional(),
      relayStateExpirySeconds: seconds(300),
    })
    .prefault({}),
  oauthServer: z
    .strictObject({
      enabled: z.boolean().default(false),
      dynamicRegistration: z.boolean().default(false),
      /** The page that asks the user for consent, below siteUrl. */
      authorizationPath: z.string().default('/oauth/consent'),
      defaultScope: z.string().default('email'),
      authorizationTtlSeconds: seconds(600),
    })
    .prefault({}),
  captcha: z
    .strictObject({
      enabled: z.boolean().default(false),
      provider: z.enum(['hcaptcha', 'turnstile']).default('hcaptcha'),
      secret: z.string().default(''),
      /** Default: the provider's own. */
      url: z.string().optional(),
    })
    .prefault({}),
  ...extendedSettings,
  providers: providerSettings,
  rateLimits: rateLimitSettings,
  mail: mailSettings,
  sms: smsSettings,
  hooks: hookSettings,
  cleanUp: z
    .strictObject({
      /**
       * Deletes what is over, a little at a time: revoked refresh tokens, sessions, codes of PKCE and challenges, each a day after its end.
       * A refresh token that is stolen and used later than that is unknown, and no longer ends its session.
       */
      enabled: z.boolean().default(false),
      intervalSeconds: z.number().positive().default(60),
    })
    .prefault({}),
  audit: z
    .strictObject({
      /** False: nothing is written to auth.audit_log_entries (GoTrue's AUDIT_LOG_DISABLE_POSTGRES). */
      database: z.boolean().default(true),
    })
    .prefault({}),
});

export type AuthSettings = z.output<typeof authSettings>;

/** What may be given: everything has a default. */
export type AuthSettingsInput = z.input<typeof authSettings>;
