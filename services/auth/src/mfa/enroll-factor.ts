import { randomUUID } from 'node:crypto';
import { recordAudit } from '../audit.js';
import type { AuthContext } from '../context.js';
import { unprocessable, validationFailed } from '../errors.js';
import type { Caller } from '../http/authenticate.js';
import type { ClientAddress } from '../http/client-address.js';
import {
  deleteFactor,
  deleteStaleFactors,
  type Factor,
  findFactorsForUpdate,
  insertFactor,
} from '../store/mfa-factors.js';
import { ask } from '../store/query.js';
import { findUserById } from '../store/users.js';
import { enrollDisabled, isUsableFactor, type UsableFactor } from './factor-methods.js';
import { judgeEnrollment } from './judge-enrollment.js';
import { newTotp, type TotpEnrollment } from './totp.js';

export interface EnrollRequest {
  readonly friendlyName: string;
  readonly factorType: string;
  /** Shown by the authenticator. '': the site's host. */
  readonly issuer: string;
  /** With or without `+`. */
  readonly phone: string;
}

/** POST /factors: begins a factor, which counts once it was proved. Throws ApiError. */
export async function enrollFactor(
  context: AuthContext,
  caller: Caller,
  client: ClientAddress,
  request: EnrollRequest,
): Promise<Readonly<Record<string, unknown>>> {
  const { factorType } = request;
  if (!isUsableFactor(factorType)) throw validationFailed('factor_type needs to be totp, phone, or webauthn');
  const disabled = enrollDisabled(factorType, context.settings.mfa);
  if (disabled !== undefined) throw unprocessable(disabled.code, disabled.message);
  if (request.friendlyName.length > 255) throw validationFailed('friendly_name must not be longer than 255 characters');
  const phone = factorType === 'phone' ? readPhone(request.phone) : undefined;
  const id = randomUUID();
  const totp = factorType === 'totp' ? newTotp(issuerOf(context, request.issuer), caller.user.email ?? '') : undefined;
  await insertWithinLimits(context, caller, client, {
    id,
    factorType,
    phone,
    totp,
    friendlyName: request.friendlyName,
  });
  return {
    id,
    type: factorType,
    friendly_name: request.friendlyName,
    ...(totp === undefined ? {} : { totp: { qr_code: totp.qrCode, secret: totp.secret, uri: totp.uri } }),
    ...(phone === undefined ? {} : { phone: request.phone }),
  };
}

function issuerOf(context: AuthContext, issuer: string): string {
  if (issuer !== '') return issuer.slice(0, 255);
  return URL.canParse(context.settings.siteUrl) ? new URL(context.settings.siteUrl).host : 'localhost';
}

/** E.164 without the plus sign, as the column holds it. */
function readPhone(text: string): string {
  if (text === '') throw validationFailed('Phone number required to enroll Phone factor');
  const digits = text.replaceAll(' ', '').replace(/^\+/, '');
  if (!/^[1-9]\d{1,14}$/.test(digits)) throw validationFailed('Invalid phone number format (E.164 required)');
  return digits;
}

interface NewFactor {
  readonly id: string;
  readonly factorType: UsableFactor;
  readonly phone: string | undefined;
  readonly totp: TotpEnrollment | undefined;
  readonly friendlyName: string;
}

async function insertWithinLimits(
  context: AuthContext,
  { user, session }: Caller,
  client: ClientAddress,
  factor: NewFactor,
): Promise<void> {
  const now = context.now();
  const stale = new Date(now.getTime() - context.settings.mfa.factorExpirySeconds * 1000);
  await context.transaction(async (run) => {
    // The user's row is the lock under which factors are counted: of a first factor there is no row yet.
    const [, , factors] = await ask(
      run,
      findUserById(user.id, { forUpdate: true }),
      deleteStaleFactors(user.id, stale),
      findFactorsForUpdate(user.id),
    );
    const replaced = factor.phone === undefined ? [] : sameNumber(factors, factor.phone);
    const others = factors.filter(({ id }) => !replaced.includes(id));
    const fault = judgeEnrollment(
      others,
      { friendlyName: factor.friendlyName, aal: session?.aal ?? 'aal1' },
      context.settings.mfa,
    );
    if (fault !== undefined) throw fault;
    await ask(
      run,
      ...replaced.map(deleteFactor),
      insertFactor(
        {
          id: factor.id,
          user_id: user.id,
          friendly_name: factor.friendlyName,
          factor_type: factor.factorType,
          secret: factor.totp?.secret ?? null,
          phone: factor.phone ?? null,
        },
        now,
      ),
      ...recordAudit(context, client, user, 'factor_in_progress', {
        factor_id: factor.id,
        factor_type: factor.factorType,
      }),
    );
  });
}

/** A number that was begun before and not proved makes room; one that was proved stays. */
function sameNumber(factors: readonly Factor[], phone: string): readonly string[] {
  const same = factors.filter((factor) => factor.factor_type === 'phone' && factor.phone === phone);
  if (same.some(({ status }) => status === 'verified')) {
    const message = 'A verified phone factor already exists, unenroll the existing factor to continue';
    throw unprocessable('mfa_verified_factor_exists', message);
  }
  return same.map(({ id }) => id);
}
