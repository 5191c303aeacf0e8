import { timingSafeEqual } from 'node:crypto';
import type { AuthContext } from '../context.js';
import { forbidden, validationFailed } from '../errors.js';
import { testOtp } from '../sms/prepare-sms.js';
import { findOneTimeTokens, type OneTimeTokenType } from '../store/one-time-tokens.js';
import { askOne, type Run } from '../store/query.js';
import { type FullUser, findUserById, findUserByPhone, findUserByPhoneChange } from '../store/users.js';
import { isExpired } from '../tokens/sending-frequency.js';
import { isBanned } from '../users/render-user.js';

export const verificationTypes = [
  'signup',
  'invite',
  'recovery',
  'magiclink',
  'email_change',
  'email',
  'sms',
  'phone_change',
] as const;

export type VerificationType = (typeof verificationTypes)[number];

/** What of a request is to be proved. */
export interface Proof {
  readonly type: VerificationType;
  /** Of code and address, or what a link carries; `pkce_` before it or not. */
  readonly hash: string;
  /** Where a code was typed for a number: for numbers of tests. */
  readonly typed?: { readonly phone: string; readonly code: string };
  /** A link's, or a typed code's: they are refused in other words. */
  readonly byLink: boolean;
}

export interface Proved {
  readonly user: FullUser;
  /** `email` has become what it was in truth. */
  readonly type: Exclude<VerificationType, 'email'>;
  /** Which token it was; undefined for the code of a test. */
  readonly tokenType: OneTimeTokenType | undefined;
}

const tokenTypes: Readonly<Record<VerificationType, readonly OneTimeTokenType[]>> = {
  signup: ['confirmation_token'],
  invite: ['confirmation_token'],
  recovery: ['recovery_token'],
  magiclink: ['recovery_token'],
  email_change: ['email_change_token_current', 'email_change_token_new'],
  email: ['confirmation_token', 'recovery_token'],
  sms: ['confirmation_token'],
  phone_change: ['phone_change_token'],
};

export function readType(type: string, message: string): VerificationType {
  const known = verificationTypes.find((each) => each === type);
  if (known === undefined) throw validationFailed(message);
  return known;
}

/** The user who has the token, its row locked. 403 otp_expired where there is none or it is too old, 403 user_banned. */
export async function findProved(run: Run, context: AuthContext, proof: Proof): Promise<Proved> {
  const byTest = await findByTestOtp(run, context, proof);
  if (byTest !== undefined) return byTest;
  const [token] = await askOne(run, findOneTimeTokens(proof.hash, tokenTypes[proof.type]));
  const user = token === undefined ? undefined : await askOne(run, findUserById(token.user_id, { forUpdate: true }));
  // Whoever held the lock may have used the token.
  const [still] = token === undefined ? [] : await askOne(run, findOneTimeTokens(proof.hash, tokenTypes[proof.type]));
  if (token === undefined || user === undefined || still === undefined || user.is_sso_user) throw invalid(proof);
  if (isBanned(user, context.now())) throw forbidden('user_banned', 'User is banned');
  const type = proof.type === 'email' ? (token.token_type === 'recovery_token' ? 'magiclink' : 'signup') : proof.type;
  const byPhone = type === 'sms' || type === 'phone_change';
  const { otpExpirySeconds } = context.settings[byPhone ? 'phone' : 'email'];
  const over = token.expires_at !== null && context.now().getTime() > Date.parse(token.expires_at);
  if (over || isExpired(sentAt(user, token.token_type), otpExpirySeconds, context.now())) throw invalid(proof);
  return { user, type, tokenType: token.token_type };
}

function invalid({ byLink }: Proof) {
  const message = byLink ? 'Email link is invalid or has expired' : 'Token has expired or is invalid';
  return forbidden('otp_expired', message);
}

function sentAt(user: FullUser, type: OneTimeTokenType): string | null {
  switch (type) {
    case 'confirmation_token':
      return user.confirmation_sent_at;
    case 'recovery_token':
      return user.recovery_sent_at;
    case 'reauthentication_token':
      return user.reauthentication_sent_at;
    case 'phone_change_token':
      return user.phone_change_sent_at;
    case 'email_change_token_current':
    case 'email_change_token_new':
      return user.email_change_sent_at;
  }
}

async function findByTestOtp(run: Run, context: AuthContext, proof: Proof): Promise<Proved | undefined> {
  if (proof.typed === undefined || (proof.type !== 'sms' && proof.type !== 'phone_change')) return undefined;
  const { phone, code } = proof.typed;
  const expected = testOtp(context, phone);
  if (expected === undefined || !isSame(expected, code)) return undefined;
  const { audience } = context.settings.jwt;
  const find = proof.type === 'sms' ? findUserByPhone(phone, audience) : findUserByPhoneChange(phone, audience);
  const user = await askOne(run, find);
  if (user === undefined) throw invalid(proof);
  if (isBanned(user, context.now())) throw forbidden('user_banned', 'User is banned');
  return { user, type: proof.type, tokenType: undefined };
}

function isSame(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
