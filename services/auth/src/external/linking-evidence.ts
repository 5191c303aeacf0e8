import type { AuthContext } from '../context.js';
import type { ProviderUser } from '../providers/provider-user.js';
import { findIdentity, type Identity } from '../store/identities.js';
import { type Query, query } from '../store/query.js';
import { allRows, oneRow, truth } from '../store/row.js';
import { instanceId } from '../store/users.js';
import { type LinkingEvidence, primaryEmail, verifiedEmails } from './judge-linking.js';

type Answers = [
  Identity | undefined,
  readonly { readonly userId: string; readonly provider: string }[],
  readonly string[],
  boolean,
];

/** The queries for what judgeLinking weighs, and how their answers are put together. */
export function linkingEvidence(context: AuthContext, provider: string, user: ProviderUser) {
  const emails = verifiedEmails(user);
  const audience = context.settings.jwt.audience;
  const queries: [Query<Answers[0]>, Query<Answers[1]>, Query<Answers[2]>, Query<Answers[3]>] = [
    findIdentity(user.claims.sub, provider),
    identitiesByEmails(emails),
    usersByEmails(emails, audience),
    isTaken(primaryEmail(user), audience),
  ];
  const read = ([identity, identities, users, primaryTaken]: Answers): LinkingEvidence => ({
    owner: identity?.user_id,
    identities,
    users,
    primaryTaken,
  });
  return { queries, read };
}

function identitiesByEmails(emails: readonly string[]): Query<Answers[1]> {
  const sql = 'SELECT user_id, provider FROM auth.identities WHERE email = ANY($1::text[]) ORDER BY created_at, id';
  const read = (row: readonly (string | null)[]) => ({ userId: row[0] ?? '', provider: row[1] ?? '' });
  return query(sql, [[...emails]], allRows(read));
}

function usersByEmails(emails: readonly string[], audience: string): Query<readonly string[]> {
  const sql = `SELECT id FROM auth.users
    WHERE instance_id = $1 AND lower(email) = ANY($2::text[]) AND aud = $3 AND NOT is_sso_user`;
  return query(
    sql,
    [instanceId, [...emails], audience],
    allRows((row) => row[0] ?? ''),
  );
}

function isTaken(email: string, audience: string): Query<boolean> {
  const sql = `SELECT $2 <> '' AND (
      EXISTS (SELECT FROM auth.users WHERE instance_id = $1 AND lower(email) = $2 AND aud = $3 AND NOT is_sso_user)
      OR EXISTS (SELECT FROM auth.identities WHERE email = $2 AND provider NOT LIKE 'sso:%'))`;
  return query(
    sql,
    [instanceId, email, audience],
    oneRow((row) => truth(row[0] ?? null)),
  );
}
