import { z } from 'zod';

const perInterval = (fallback: number) => z.number().nonnegative().default(fallback);

/**
 * How often one address (header X-Forwarded-For, or the peer) may call: so many in 5 minutes, unless it says in an hour. 0: never.
 * `email` and `sms` count for the whole service, in an hour.
 */
export const rateLimitSettings = z
  .strictObject({
    enabled: z.boolean().default(true),
    /** The header that holds the client's address; without it, the peer counts. */
    header: z.string().default('x-forwarded-for'),
    /** Default: 30 by SMTP, as GoTrue's; without a limit where mails go to the inbox or a hook. */
    email: z.number().nonnegative().optional(),
    sms: perInterval(30),
    /** In an hour. */
    anonymousUsers: perInterval(30),
    tokenRefresh: perInterval(150),
    verify: perInterval(30),
    otp: perInterval(30),
    signUpsAndSignIns: perInterval(30),
    sso: perInterval(30),
    web3: perInterval(30),
    passkey: perInterval(30),
    /** Challenges to second factors, and answers to them. */
    mfa: perInterval(75),
    oauthRegistration: perInterval(30),
  })
  .prefault({});

export type RateLimitSettings = z.output<typeof rateLimitSettings>;
