import { z } from 'zod';

/**
 * `uri`: `https://…`, `http://…` on this host, or `pg-functions://postgres/<schema>/<function>`. `secrets`: of standard webhooks,
 * `v1,whsec_<base64>`; the first signs as `v1`, and all of them are sent so that a receiver can change over.
 */
export const hook = z.strictObject({ uri: z.string(), secrets: z.array(z.string()).default([]) });

export type HookTarget = z.output<typeof hook>;

/** Points at which other code decides; each is off where it is missing. */
export const hookSettings = z
  .strictObject({
    customAccessToken: hook.optional(),
    sendEmail: hook.optional(),
    sendSms: hook.optional(),
    passwordVerificationAttempt: hook.optional(),
    mfaVerificationAttempt: hook.optional(),
    beforeUserCreated: hook.optional(),
    afterUserCreated: hook.optional(),
  })
  .prefault({});
