import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { RegisterRoutes } from '../auth.js';
import type { AuthContext } from '../context.js';
import { internalError, notFound } from '../errors.js';
import { type Caller, requireNotAnonymous, requireUser } from '../http/authenticate.js';
import { clientAddress } from '../http/client-address.js';
import { isUuid, optionalString, parseBody, pathValue } from '../http/parse-body.js';
import { challengeFactor } from '../mfa/challenge-factor.js';
import { enrollFactor } from '../mfa/enroll-factor.js';
import { unenrollFactor } from '../mfa/unenroll-factor.js';
import { verifyFactor } from '../mfa/verify-factor.js';
import { type Factor, findFactor } from '../store/mfa-factors.js';

const enrollBody = z.object({
  friendly_name: optionalString,
  factor_type: optionalString,
  issuer: optionalString,
  phone: optionalString,
});

const webauthnAnswer = z
  .object({ type: optionalString, credential_response: z.unknown().optional() })
  .nullish()
  .transform((value) => value ?? undefined);

const challengeBody = z.object({ channel: optionalString });

const verifyBody = z.object({ challenge_id: optionalString, code: optionalString, webauthn: webauthnAnswer });

/** POST /factors, POST /factors/:id/challenge, POST /factors/:id/verify, DELETE /factors/:id. */
export const factorRoutes: RegisterRoutes = (app, context) => {
  app.post('/factors', async (request) => {
    const caller = await requireOwner(request, context);
    const body = parseBody(request, enrollBody);
    return await enrollFactor(context, caller, clientAddress(request), {
      friendlyName: body.friendly_name,
      factorType: body.factor_type,
      issuer: body.issuer,
      phone: body.phone,
    });
  });
  app.post('/factors/:id/challenge', async (request) => {
    const caller = await requireOwner(request, context);
    context.limits.check('mfa', request);
    const { channel } = parseBody(request, challengeBody);
    const factor = await loadFactor(context, pathValue(request, 'id'), caller.user.id);
    return await challengeFactor(context, caller, clientAddress(request), factor, channel);
  });
  app.post('/factors/:id/verify', async (request) => {
    const caller = await requireOwner(request, context);
    context.limits.check('mfa', request);
    const body = parseBody(request, verifyBody);
    const factor = await loadFactor(context, pathValue(request, 'id'), caller.user.id);
    return await verifyFactor(context, caller, clientAddress(request), factor, {
      challengeId: body.challenge_id,
      code: body.code,
      webauthn: body.webauthn,
    });
  });
  app.delete('/factors/:id', async (request) => {
    const caller = await requireOwner(request, context);
    const factor = await loadFactor(context, pathValue(request, 'id'), caller.user.id);
    await unenrollFactor(context, caller, clientAddress(request), factor);
    return { id: factor.id };
  });
};

async function requireOwner(request: FastifyRequest, context: AuthContext): Promise<Caller> {
  const caller = await requireUser(request, context);
  requireNotAnonymous(caller);
  if (caller.session === undefined) {
    throw internalError('A valid session and a registered user are required to enroll a factor');
  }
  return caller;
}

/** One of this user's factors. 404 mfa_factor_not_found. */
export async function loadFactor(context: AuthContext, id: string, userId: string): Promise<Factor> {
  if (!isUuid(id)) throw notFound('validation_failed', 'factor_id must be an UUID');
  const [factor] = await context.read(findFactor(id, userId));
  if (factor === undefined) throw notFound('mfa_factor_not_found', 'Factor not found');
  return factor;
}
