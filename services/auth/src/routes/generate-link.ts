import { z } from 'zod';
import { recordAudit } from '../audit.js';
import type { RegisterRoutes } from '../auth.js';
import type { AuthContext } from '../context.js';
import { notFound, unprocessable, validationFailed } from '../errors.js';
import { requireAdmin } from '../http/authenticate.js';
import { type ClientAddress, clientAddress } from '../http/client-address.js';
import { optionalObject, optionalString, parseBody } from '../http/parse-body.js';
import { actionLink } from '../mail/render-mail.js';
import { checkPasswordStrength } from '../passwords/check-strength.js';
import { hashPassword, randomPassword } from '../passwords/hash-password.js';
import { isRedirectAllowed, resolveRedirect } from '../redirects/resolve-redirect.js';
import { reload } from '../sign-up/sign-up.js';
import { type OneTimeTokenType, putOneTimeToken } from '../store/one-time-tokens.js';
import { ask, askOne, type Query, type Run } from '../store/query.js';
import { type FullUser, findUserByEmail, findUserWithEmail, mergeMetadata, updateUser } from '../store/users.js';
import { hashToken, newOtp } from '../tokens/hash-token.js';
import { createUser } from '../users/create-user.js';
import { renderUser } from '../users/render-user.js';
import { validateEmail } from '../users/validate-contact.js';
import { invitedUser } from './invite.js';

const schema = z.object({
  type: optionalString,
  email: optionalString,
  new_email: optionalString,
  password: optionalString,
  data: optionalObject,
  redirect_to: optionalString,
});

const types = ['signup', 'invite', 'magiclink', 'recovery', 'email_change_current', 'email_change_new'] as const;

type LinkType = (typeof types)[number];

/** POST /admin/generate_link: what a mail would hold, for administrators who send it themselves. */
export const generateLinkRoutes: RegisterRoutes = (app, context) => {
  app.post('/admin/generate_link', async (request) => {
    await requireAdmin(request, context);
    const body = parseBody(request, schema);
    const email = validateEmail(body.email);
    const asked = types.find((each) => each === body.type);
    if (asked === undefined) {
      throw validationFailed(`Invalid email action link type requested: ${body.type.slice(0, 100)}`);
    }
    const { settings } = context;
    const redirectTo = isRedirectAllowed(body.redirect_to, settings)
      ? body.redirect_to
      : resolveRedirect(request, settings);
    const [known] = await context.read(findUserByEmail(email, settings.jwt.audience));
    // A link to sign in with makes the user where there is none.
    const type = known === undefined && asked === 'magiclink' ? 'signup' : asked;
    if (known === undefined && type !== 'signup' && type !== 'invite') {
      throw notFound('user_not_found', 'User with this email not found');
    }
    const passwordHash =
      known === undefined && type === 'signup' ? await readPassword(context, body.password, asked) : null;
    const otp = newOtp(settings.email.otpLength);
    const client = clientAddress(request);
    const { user, hash } = await context.transaction(
      async (run) => await writeLink(run, context, { body, client, email, type, otp, passwordHash }),
    );
    const linkType = type === 'email_change_current' || type === 'email_change_new' ? 'email_change' : type;
    return {
      ...renderUser(user),
      action_link: actionLink({ tokenHash: hash, linkType, redirectTo }, settings),
      email_otp: otp,
      hashed_token: hash,
      verification_type: type,
      redirect_to: redirectTo,
    };
  });
};

async function readPassword(context: AuthContext, password: string, asked: LinkType): Promise<string> {
  const { bcryptCost } = context.settings.password;
  if (asked === 'magiclink') return await hashPassword(randomPassword(), bcryptCost);
  if (password === '') throw validationFailed('Signup requires a valid password');
  await checkPasswordStrength(context, password);
  return await hashPassword(password, bcryptCost);
}

interface Linking {
  readonly body: z.output<typeof schema>;
  readonly client: ClientAddress;
  readonly email: string;
  readonly type: LinkType;
  readonly otp: string;
  readonly passwordHash: string | null;
}

async function writeLink(
  run: Run,
  context: AuthContext,
  linking: Linking,
): Promise<{ readonly user: FullUser; readonly hash: string }> {
  const { type, email, otp } = linking;
  const user = await findOrCreate(run, context, linking);
  if (type === 'email_change_current' || type === 'email_change_new')
    return await writeChange(run, context, user, linking);
  const now = context.now();
  const hash = hashToken(email, otp);
  const column = type === 'magiclink' || type === 'recovery' ? 'recovery' : 'confirmation';
  const audit: readonly Query<number>[] =
    type === 'signup'
      ? []
      : type === 'invite'
        ? recordAudit(context, linking.client, 'service_role', 'user_invited', { user_id: user.id, user_email: email })
        : recordAudit(context, linking.client, user, 'user_recovery_requested');
  const values = {
    [`${column}_token`]: hash,
    [`${column}_sent_at`]: now,
    ...(type === 'invite' ? { invited_at: now } : {}),
  };
  const tokenType: OneTimeTokenType = `${column}_token`;
  await ask(
    run,
    ...audit,
    updateUser(user.id, values, now),
    putOneTimeToken({ userId: user.id, type: tokenType, hash, relatesTo: email }, now),
  );
  return { user: await reload(run, user.id), hash };
}

async function findOrCreate(
  run: Run,
  context: AuthContext,
  { body, email, type, passwordHash }: Linking,
): Promise<FullUser> {
  const existing = await askOne(run, findUserByEmail(email, context.settings.jwt.audience, { forUpdate: true }));
  if (existing === undefined) {
    const invited = invitedUser(email, body.data ?? {});
    return await createUser(run, context, { ...invited, ...(passwordHash === null ? {} : { passwordHash }) });
  }
  if ((type === 'signup' || type === 'invite') && existing.email_confirmed_at !== null) {
    throw unprocessable('email_exists', 'A user with this email address has already been registered');
  }
  if (type === 'signup' && body.data !== undefined) {
    const metadata = mergeMetadata(existing.raw_user_meta_data, body.data);
    await askOne(run, updateUser(existing.id, { raw_user_meta_data: metadata }, context.now()));
  }
  return existing;
}

async function writeChange(run: Run, context: AuthContext, user: FullUser, { body, type, email, otp }: Linking) {
  const current = type === 'email_change_current';
  if (current && !context.settings.email.doubleConfirmChanges) {
    throw validationFailed('Enable secure email change to generate link for current email');
  }
  const newEmail = validateEmail(body.new_email);
  const other = await askOne(run, findUserWithEmail(newEmail, user.aud, user.id));
  if (other !== undefined) {
    throw unprocessable('email_exists', 'A user with this email address has already been registered');
  }
  const now = context.now();
  const to = current ? email : newEmail;
  const hash = hashToken(to, otp);
  const tokenType: OneTimeTokenType = current ? 'email_change_token_current' : 'email_change_token_new';
  const values = {
    email_change: newEmail,
    email_change_sent_at: now,
    email_change_confirm_status: 0,
    [tokenType]: hash,
  };
  await ask(
    run,
    updateUser(user.id, values, now),
    putOneTimeToken({ userId: user.id, type: tokenType, hash, relatesTo: to }, now),
  );
  return { user: await reload(run, user.id), hash };
}
