import type { HookTarget } from '../settings/hooks.js';

export type HookName =
  | 'customAccessToken'
  | 'sendEmail'
  | 'sendSms'
  | 'passwordVerificationAttempt'
  | 'mfaVerificationAttempt'
  | 'beforeUserCreated'
  | 'afterUserCreated';

/** Asks other code, over HTTP or as a PostgreSQL function. */
export interface HookRunner {
  /** Where the hook goes; undefined: it is off. */
  target(name: HookName): HookTarget | undefined;
  /**
   * Sends the input and gives the answer, an object. Throws ApiError with the hook's own status and message where it refuses, hook_timeout and
   * the like where it does not answer. Throws where the hook is off.
   */
  run(name: HookName, input: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>>;
}
