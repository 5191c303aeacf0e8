import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { recordAudit } from '../audit.js';
import type { RegisterRoutes } from '../auth.js';
import type { AuthContext } from '../context.js';
import { notFound, validationFailed } from '../errors.js';
import { type Caller, requireNotAnonymous, requireUser } from '../http/authenticate.js';
import { checkCaptcha } from '../http/check-captcha.js';
import { clientAddress } from '../http/client-address.js';
import { isUuid, optionalString, parseBody, pathValue } from '../http/parse-body.js';
import { renderPasskey, requireNoSsoUser, requirePasskeyAal, requirePasskeys } from '../passkeys/passkeys.js';
import { passkeyRegistrationOptions, registerPasskey } from '../passkeys/register-passkey.js';
import { passkeySignInOptions, signInWithPasskey } from '../passkeys/sign-in-with-passkey.js';
import { deletePasskey, findPasskeysOfUser, renamePasskey } from '../store/webauthn-credentials.js';
import { loadUser } from './admin-factors.js';

const answerBody = z.object({ challenge_id: optionalString, credential: z.unknown().optional() });
const renameBody = z.object({ friendly_name: optionalString });

const longestName = 120;

/** /passkeys: registration, sign-in, and what a user does with the passkeys that are there. */
export const passkeyRoutes: RegisterRoutes = (app, context) => {
  app.post('/passkeys/registration/options', async (request) => {
    return await passkeyRegistrationOptions(context, await requireRegistrant(request, context));
  });
  app.post('/passkeys/registration/verify', async (request) => {
    const caller = await requireRegistrant(request, context);
    return await registerPasskey(context, caller, clientAddress(request), readAnswer(request));
  });
  app.post('/passkeys/authentication/options', async (request) => {
    requirePasskeys(context);
    context.limits.check('passkey', request);
    await checkCaptcha(request, context);
    return await passkeySignInOptions(context);
  });
  app.post('/passkeys/authentication/verify', async (request) => {
    requirePasskeys(context);
    context.limits.check('passkey', request);
    return await signInWithPasskey(context, clientAddress(request), readAnswer(request));
  });
  app.get('/passkeys', async (request) => {
    const { user } = await requireOwner(request, context);
    const [passkeys] = await context.read(findPasskeysOfUser(user.id));
    return passkeys.map(renderPasskey);
  });
  app.patch('/passkeys/:id', async (request) => {
    const { user } = await requireOwner(request, context);
    const id = passkeyId(request);
    const { friendly_name: name } = parseBody(request, renameBody);
    if (name === '') throw validationFailed('friendly_name is required');
    if (name.length > longestName) throw validationFailed('friendly_name must be 120 characters or less');
    const [passkey] = await context.write(renamePasskey(id, user.id, name, context.now()));
    if (passkey === undefined) throw missing();
    await context.write(...recordAudit(context, clientAddress(request), user, 'passkey_updated', { passkey_id: id }));
    return renderPasskey(passkey);
  });
  app.delete('/passkeys/:id', async (request, reply) => {
    const caller = await requireOwner(request, context);
    requirePasskeyAal(caller);
    await removePasskey(request, context, caller.user, passkeyId(request));
    return await reply.code(204).send();
  });
};

/** GET /admin/users/:id/passkeys, DELETE /admin/users/:id/passkeys/:passkey. */
export const adminPasskeyRoutes: RegisterRoutes = (app, context) => {
  app.get('/admin/users/:id/passkeys', async (request) => {
    const user = await loadUser(request, context);
    requirePasskeys(context);
    const [passkeys] = await context.read(findPasskeysOfUser(user.id));
    return passkeys.map(renderPasskey);
  });
  app.delete('/admin/users/:id/passkeys/:passkey', async (request, reply) => {
    const user = await loadUser(request, context);
    requirePasskeys(context);
    await removePasskey(request, context, user, passkeyId(request, 'passkey'));
    return await reply.code(204).send();
  });
};

async function requireOwner(request: FastifyRequest, context: AuthContext): Promise<Caller> {
  requirePasskeys(context);
  const caller = await requireUser(request, context);
  requireNotAnonymous(caller);
  return caller;
}

async function requireRegistrant(request: FastifyRequest, context: AuthContext): Promise<Caller> {
  const caller = await requireOwner(request, context);
  requireNoSsoUser(caller);
  requirePasskeyAal(caller);
  return caller;
}

function readAnswer(request: FastifyRequest) {
  const { challenge_id: challengeId, credential } = parseBody(request, answerBody);
  return { challengeId, credential };
}

const missing = () => notFound('validation_failed', 'Passkey not found');

function passkeyId(request: FastifyRequest, name = 'id'): string {
  const id = pathValue(request, name);
  if (!isUuid(id)) throw missing();
  return id;
}

async function removePasskey(
  request: FastifyRequest,
  context: AuthContext,
  user: Caller['user'],
  id: string,
): Promise<void> {
  const [count] = await context.write(deletePasskey(id, user.id));
  if (count === 0) throw missing();
  await context.write(...recordAudit(context, clientAddress(request), user, 'passkey_deleted', { passkey_id: id }));
}
