import type { ProviderUser } from '../providers/provider-user.js';

/** What the database knows that bears on who somebody is. */
export interface LinkingEvidence {
  /** Whose identity this already is. */
  readonly owner: string | undefined;
  /** Identities that have one of the verified addresses. */
  readonly identities: readonly { readonly userId: string; readonly provider: string }[];
  /** Users, none of SSO, that have one of the verified addresses. */
  readonly users: readonly string[];
  /** Whether anybody has the primary address, verified or not. */
  readonly primaryTaken: boolean;
}

export type LinkingDecision =
  | { readonly kind: 'exists'; readonly userId: string }
  | { readonly kind: 'link'; readonly userId: string }
  /** '' where the address must not be given to the new user. */
  | { readonly kind: 'create'; readonly email: string }
  | { readonly kind: 'ambiguous' };

/** Accounts of the same domain are one person when they share a verified address; each SSO provider is a domain of its own. */
export function linkingDomain(provider: string): string {
  return provider.startsWith('sso:') ? provider : 'default';
}

/** Addresses for which the provider vouches, in lower case. Only they link accounts: others would open somebody else's. */
export function verifiedEmails(user: ProviderUser): readonly string[] {
  return [...new Set(user.emails.filter(({ verified }) => verified).map(({ email }) => email.toLowerCase()))];
}

/** The address that a new account would have, in lower case; '' for none. */
export function primaryEmail(user: ProviderUser): string {
  return user.emails.find(({ primary }) => primary)?.email.toLowerCase() ?? '';
}

/** Who somebody is that a provider names (supabase/auth, internal/models/linking.go). */
export function judgeLinking(provider: string, user: ProviderUser, evidence: LinkingEvidence): LinkingDecision {
  if (evidence.owner !== undefined) return { kind: 'exists', userId: evidence.owner };
  const email = primaryEmail(user);
  if (verifiedEmails(user).length === 0) return { kind: 'create', email: evidence.primaryTaken ? '' : email };
  const domain = linkingDomain(provider);
  const inDomain = evidence.identities.filter((identity) => linkingDomain(identity.provider) === domain);
  const candidates =
    inDomain.length > 0 ? inDomain.map(({ userId }) => userId) : domain === 'default' ? evidence.users : [];
  const [first, ...others] = new Set(candidates);
  if (first === undefined) return { kind: 'create', email };
  return others.length === 0 ? { kind: 'link', userId: first } : { kind: 'ambiguous' };
}
