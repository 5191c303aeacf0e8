import { type ApiError, forbidden, unprocessable } from '../errors.js';
import type { AuthSettings } from '../settings/schema.js';
import type { Factor } from '../store/mfa-factors.js';
import type { Aal } from '../store/sessions.js';

export interface Enrollment {
  /** '' for none. */
  readonly friendlyName: string;
  readonly aal: Aal;
}

const tooMany = 'Maximum number of verified factors reached, unenroll to continue';

/**
 * Why a user may not begin one more factor; undefined: it may. Whoever has a verified factor needs it to add another, else a stolen password
 * would be enough to get one's own. An empty name never conflicts: the table's index leaves it out too.
 */
export function judgeEnrollment(
  factors: readonly Factor[],
  { friendlyName, aal }: Enrollment,
  settings: Pick<AuthSettings['mfa'], 'maxEnrolledFactors' | 'maxVerifiedFactors'>,
): ApiError | undefined {
  if (friendlyName.trim() !== '' && factors.some(({ friendly_name: name }) => name === friendlyName)) {
    const message = `A factor with the friendly name "${friendlyName}" for this user already exists`;
    return unprocessable('mfa_factor_name_conflict', message);
  }
  const verified = factors.filter(({ status }) => status === 'verified').length;
  if (factors.length >= settings.maxEnrolledFactors || verified >= settings.maxVerifiedFactors) {
    return unprocessable('too_many_enrolled_mfa_factors', tooMany);
  }
  if (verified > 0 && aal !== 'aal2' && aal !== 'aal3') {
    return forbidden('insufficient_aal', 'AAL2 required to enroll a new factor');
  }
  return undefined;
}
