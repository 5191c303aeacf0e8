import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { RegisterRoutes } from '../auth.js';
import type { AuthContext } from '../context.js';
import { ApiError, badRequest, validationFailed } from '../errors.js';
import { clientAddress } from '../http/client-address.js';
import { optionalString, parseBody, queryValue } from '../http/parse-body.js';
import { notifyContactChange } from '../mail/notify.js';
import { resolveRedirect } from '../redirects/resolve-redirect.js';
import { startSession } from '../sessions/start-session.js';
import { tokenResponse } from '../sessions/token-response.js';
import { findFlowStateOfUser, updateFlowState } from '../store/flow-states.js';
import { askOne, type Run } from '../store/query.js';
import type { FullUser } from '../store/users.js';
import { hashToken } from '../tokens/hash-token.js';
import { pkcePrefix } from '../tokens/pkce.js';
import { validateEmail, validatePhone } from '../users/validate-contact.js';
import { findProved, type Proof, type Proved, readType } from '../verify/find-verified.js';
import { halfConfirmed, settleProof } from '../verify/settle-proof.js';
import { codeRedirect, errorRedirect, messageRedirect, tokensRedirect } from '../verify/verify-redirect.js';

const schema = z.object({
  type: optionalString,
  token: optionalString,
  token_hash: optionalString,
  email: optionalString,
  phone: optionalString,
  redirect_to: optionalString,
});

/** GET and POST /verify: a link was followed, or a code typed. */
export const verifyRoutes: RegisterRoutes = (app, context) => {
  app.get('/verify', async (request, reply) => {
    context.limits.check('verify', request);
    return await followLink(context, request, reply);
  });
  app.post('/verify', async (request) => {
    context.limits.check('verify', request);
    return await acceptCode(context, request);
  });
};

async function acceptCode(context: AuthContext, request: FastifyRequest) {
  const proof = readProof(parseBody(request, schema));
  const client = clientAddress(request);
  const result = await context.transaction(async (run) => {
    const proved = await findProved(run, context, proof);
    const user = await settleProof(run, context, client, proved);
    if (user === undefined) return undefined;
    return { proved, user, started: await startSession(run, context, { user, method: 'otp', client }) };
  });
  if (result === undefined) return { msg: halfConfirmed, code: '200' };
  const { proved, user, started } = result;
  await notifyChange(context, proved, user);
  return await tokenResponse(context, started, 'otp');
}

function readProof(body: z.output<typeof schema>): Proof {
  if (body.type === '') throw validationFailed('Verify requires a verification type');
  if ((body.token === '') === (body.token_hash === '')) {
    throw validationFailed('Verify requires either a token or a token hash');
  }
  if (body.token_hash !== '') {
    if (body.email !== '' || body.phone !== '' || body.redirect_to !== '') {
      throw validationFailed('Only the token_hash and type should be provided');
    }
    const type = readType(body.type, 'Invalid email verification type');
    if (type === 'sms' || type === 'phone_change') throw validationFailed('Invalid email verification type');
    return { type, hash: body.token_hash, byLink: true };
  }
  if ((body.email === '') === (body.phone === '')) {
    throw validationFailed('Only an email address or phone number should be provided on verify');
  }
  const type = readType(body.type, 'Unsupported verification type');
  if (body.phone !== '') {
    const phone = validatePhone(body.phone);
    return { type, hash: hashToken(phone, body.token), typed: { phone, code: body.token }, byLink: false };
  }
  return { type, hash: hashToken(validateEmail(body.email), body.token), byLink: false };
}

/** The link leads back to the application, whatever comes of it. */
async function followLink(context: AuthContext, request: FastifyRequest, reply: FastifyReply) {
  const token = queryValue(request, 'token') || queryValue(request, 'token_hash');
  const type = queryValue(request, 'type');
  const target = resolveRedirect(request, context.settings);
  if (type === '') throw validationFailed('Verify requires a verification type');
  if (token === '') throw validationFailed('Verify requires a token or a token hash');
  const pkce = token.startsWith(pkcePrefix);
  try {
    return await reply.redirect(await followed(context, request, { token, type, target, pkce }), 303);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return await reply.redirect(errorRedirect(target, error, pkce), 303);
  }
}

interface Link {
  readonly token: string;
  readonly type: string;
  readonly target: string;
  readonly pkce: boolean;
}

async function followed(
  context: AuthContext,
  request: FastifyRequest,
  { token, type, target, pkce }: Link,
): Promise<string> {
  const known = readType(type, 'Invalid email verification type');
  if (known === 'sms' || known === 'phone_change') throw validationFailed('Invalid email verification type');
  const client = clientAddress(request);
  const result = await context.transaction(async (run) => {
    const proved = await findProved(run, context, { type: known, hash: token, byLink: true });
    const user = await settleProof(run, context, client, proved);
    if (user === undefined) return undefined;
    if (pkce) return { proved, user, code: await issueCode(run, context, user, proved) };
    return { proved, user, started: await startSession(run, context, { user, method: 'otp', client }) };
  });
  if (result === undefined) return messageRedirect(target, halfConfirmed, pkce);
  await notifyChange(context, result.proved, result.user);
  if (result.code !== undefined) return codeRedirect(target, result.code);
  const tokens = await tokenResponse(context, result.started, 'otp');
  return tokensRedirect(target, {
    access_token: tokens.access_token,
    expires_at: tokens.expires_at,
    expires_in: tokens.expires_in,
    refresh_token: tokens.refresh_token,
    token_type: tokens.token_type,
    type,
  });
}

/** An address that is proved for the first time is no change. */
async function notifyChange(context: AuthContext, { type, user: before }: Proved, after: FullUser): Promise<void> {
  if (type === 'email_change' || type === 'phone_change') await notifyContactChange(context, before, after);
}

const methods: Readonly<Record<Proved['type'], string>> = {
  signup: 'email/signup',
  invite: 'invite',
  recovery: 'recovery',
  magiclink: 'magiclink',
  email_change: 'email_change',
  sms: 'otp',
  phone_change: 'otp',
};

async function issueCode(run: Run, context: AuthContext, user: FullUser, { type }: Proved): Promise<string> {
  const flow = await askOne(run, findFlowStateOfUser(user.id, methods[type]));
  if (flow === undefined || flow.auth_code === null) {
    throw badRequest('flow_state_not_found', 'No associated flow state found.');
  }
  const now = context.now();
  await askOne(run, updateFlowState(flow.id, { auth_code_issued_at: now }, now));
  return flow.auth_code;
}
