/** What a provider says about a person: GoTrue's Claims, which become identity_data and user metadata (internal/api/provider/provider.go). */
export interface ProviderClaims {
  readonly iss?: string;
  readonly sub: string;
  readonly name?: string;
  readonly family_name?: string;
  readonly given_name?: string;
  readonly middle_name?: string;
  readonly nickname?: string;
  readonly preferred_username?: string;
  readonly profile?: string;
  readonly picture?: string;
  readonly website?: string;
  readonly gender?: string;
  readonly birthdate?: string;
  readonly zoneinfo?: string;
  readonly locale?: string;
  readonly updated_at?: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly phone?: string;
  readonly phone_verified?: boolean;
  readonly custom_claims?: Readonly<Record<string, unknown>>;
  readonly full_name?: string;
  readonly avatar_url?: string;
  readonly slug?: string;
  readonly provider_id?: string;
  readonly user_name?: string;
}

export interface ProviderEmail {
  readonly email: string;
  /** The provider vouches that the person owns the address. */
  readonly verified: boolean;
  readonly primary: boolean;
}

export interface ProviderUser {
  readonly emails: readonly ProviderEmail[];
  readonly claims: ProviderClaims;
}

/** Longer values are cut: they go into rows and tokens. Characters. */
const longestValue = 2048;

/**
 * What is stored as identity_data: every claim that says something, and always whether the addresses are verified. The email address is the
 * primary one, else the last one.
 */
export function identityData(user: ProviderUser): Readonly<Record<string, unknown>> {
  const chosen = user.emails.find(({ primary }) => primary) ?? user.emails.at(-1);
  const { email: _, email_verified: __, phone_verified: phoneVerified = false, ...others } = user.claims;
  const data: Record<string, unknown> = {
    email_verified: chosen?.verified ?? false,
    phone_verified: phoneVerified,
  };
  if (chosen !== undefined && chosen.email !== '') data.email = chosen.email;
  for (const [name, value] of Object.entries(others)) {
    if (value !== undefined && value !== '')
      data[name] = typeof value === 'string' ? value.slice(0, longestValue) : value;
  }
  return data;
}

/** The text of a field of foreign JSON; numbers become text. '' where there is none. */
export function textOf(source: Readonly<Record<string, unknown>>, name: string): string {
  const value = source[name];
  if (typeof value === 'string') return value;
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : '';
}

/** Providers write booleans as true, "true", "1" or 1. */
export function truthOf(value: unknown): boolean {
  return value === true || value === 'true' || value === '1' || value === 1;
}

export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** One address, the primary one, or none where the provider gave none. */
export function oneEmail(email: string, verified: boolean): readonly ProviderEmail[] {
  return email === '' ? [] : [{ email, verified, primary: true }];
}
