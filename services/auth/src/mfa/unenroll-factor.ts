import { recordAudit } from '../audit.js';
import type { AuthContext } from '../context.js';
import { unprocessable, validationFailed } from '../errors.js';
import type { Caller } from '../http/authenticate.js';
import type { ClientAddress } from '../http/client-address.js';
import { notify } from '../mail/notify.js';
import { deleteFactor, downgradeSessions, type Factor } from '../store/mfa-factors.js';
import { factorMethods, isUsableFactor } from './factor-methods.js';

/** DELETE /factors/:id. A proved factor goes only from a session at aal2; sessions that it raised fall back. Throws ApiError. */
export async function unenrollFactor(
  context: AuthContext,
  { user, session }: Caller,
  client: ClientAddress,
  factor: Factor,
): Promise<void> {
  const { factor_type: type } = factor;
  if (!isUsableFactor(type)) throw validationFailed('Recovery codes cannot be unenrolled with this endpoint');
  if (factor.status === 'verified' && session?.aal !== 'aal2') {
    throw unprocessable('insufficient_aal', 'AAL2 required to unenroll verified factor');
  }
  await context.write(
    ...downgradeSessions(factor.id, [factorMethods[type]], context.now()),
    deleteFactor(factor.id),
    ...recordAudit(context, client, user, 'factor_unenrolled', {
      factor_id: factor.id,
      factor_status: factor.status,
      session_id: session?.id,
    }),
  );
  await notify(context, 'factorUnenrolled', user, { factorType: type });
}
