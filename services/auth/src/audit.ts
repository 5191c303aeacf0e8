import type { AuthContext } from './context.js';
import type { ClientAddress } from './http/client-address.js';
import { insertAuditEntry } from './store/audit-log.js';
import type { Query } from './store/query.js';
import type { User } from './store/users.js';

/** What is recorded, and of which kind it is (supabase/auth, internal/models/audit_log_entry.go). */
const kinds = {
  login: 'account',
  logout: 'account',
  invite_accepted: 'account',
  user_signedup: 'team',
  user_invited: 'team',
  user_deleted: 'team',
  user_modified: 'user',
  user_recovery_requested: 'user',
  user_reauthenticate_requested: 'user',
  user_confirmation_requested: 'user',
  user_repeated_signup: 'user',
  user_updated_password: 'user',
  token_revoked: 'token',
  token_refreshed: 'token',
  generate_recovery_codes: 'user',
  factor_in_progress: 'factor',
  factor_unenrolled: 'factor',
  factor_updated: 'factor',
  factor_deleted: 'factor',
  challenge_created: 'factor',
  verification_attempted: 'factor',
  recovery_codes_deleted: 'recovery_codes',
  mfa_code_login: 'factor',
  identity_unlinked: 'user',
  identity_linked: 'user',
  passkey_created: 'user',
  passkey_updated: 'user',
  passkey_deleted: 'user',
} as const;

export type AuditAction = keyof typeof kinds;

/** Who did something; an administrator's key has no id. */
export type Actor = Pick<User, 'id' | 'email' | 'phone' | 'is_sso_user' | 'raw_user_meta_data'> | 'service_role';

/** The query that records it; undefined where nothing is recorded. Spread it: `...recordAudit(…)`. */
export function recordAudit(
  context: AuthContext,
  client: ClientAddress,
  actor: Actor,
  action: AuditAction,
  traits: Readonly<Record<string, unknown>> = {},
): readonly Query<number>[] {
  if (!context.settings.audit.database) return [];
  const now = context.now();
  return [insertAuditEntry(auditPayload(actor, action, traits, now), client.ip, now)];
}

export function auditPayload(
  actor: Actor,
  action: AuditAction,
  traits: Readonly<Record<string, unknown>>,
  now: Date,
): Readonly<Record<string, unknown>> {
  const payload: Record<string, unknown> = {
    action,
    actor_id: actor === 'service_role' ? '00000000-0000-0000-0000-000000000000' : actor.id,
    actor_username: actor === 'service_role' ? 'service_role' : (actor.email ?? actor.phone ?? ''),
    actor_via_sso: actor !== 'service_role' && actor.is_sso_user,
    log_type: kinds[action],
    timestamp: now.toISOString(),
  };
  const name = actor === 'service_role' ? undefined : actor.raw_user_meta_data.full_name;
  if (typeof name === 'string' && name !== '') payload.actor_name = name;
  if (Object.keys(traits).length > 0) payload.traits = traits;
  return payload;
}
