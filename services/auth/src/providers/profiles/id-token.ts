import { oneEmail, type ProviderUser, recordOf, textOf, truthOf } from '../provider-user.js';

type Claims = Readonly<Record<string, unknown>>;

/** Names of claims that need no second place in custom_claims (Microsoft: id token claims reference). */
const azureStandardClaims = new Set([
  'aud',
  'iss',
  'iat',
  'nbf',
  'exp',
  'c_hash',
  'at_hash',
  'aio',
  'nonce',
  'rh',
  'uti',
  'jti',
  'ver',
  'sub',
  'name',
  'preferred_username',
]);

/**
 * A person as the claims of an id token, or of a userinfo answer, say. Which reading applies depends on the provider; a provider without a reading
 * of its own follows OpenID Connect Core, 5.1.
 */
export function userOfClaims(provider: string, claims: Claims): ProviderUser {
  switch (provider) {
    case 'google':
      return googleUser(claims);
    case 'apple':
      return appleUser(claims);
    case 'azure':
      return azureUser(claims);
    case 'facebook':
      return facebookTokenUser(claims);
    case 'linkedin_oidc':
      return linkedinUser(claims);
    case 'slack_oidc':
      return slackUser(claims);
    default:
      return genericUser(claims);
  }
}

function googleUser(claims: Claims): ProviderUser {
  const sub = textOf(claims, 'sub');
  const domain = textOf(claims, 'hd');
  return {
    emails: oneEmail(textOf(claims, 'email'), truthOf(claims.email_verified ?? claims.verified_email)),
    claims: {
      iss: textOf(claims, 'iss'),
      sub,
      name: textOf(claims, 'name'),
      picture: textOf(claims, 'picture'),
      avatar_url: textOf(claims, 'picture'),
      full_name: textOf(claims, 'name'),
      provider_id: sub,
      ...(domain === '' ? {} : { custom_claims: { hd: domain } }),
    },
  };
}

/** Apple vouches for every address that it gives out, its relay's included. */
function appleUser(claims: Claims): ProviderUser {
  const sub = textOf(claims, 'sub');
  const custom: Record<string, unknown> = {};
  if (claims.is_private_email !== undefined) custom.is_private_email = truthOf(claims.is_private_email);
  if (typeof claims.auth_time === 'number') custom.auth_time = claims.auth_time;
  return {
    emails: oneEmail(textOf(claims, 'email'), true),
    claims: {
      iss: textOf(claims, 'iss'),
      sub,
      provider_id: sub,
      ...(Object.keys(custom).length === 0 ? {} : { custom_claims: custom }),
    },
  };
}

/**
 * Apple tells a person's name once only, in the form field `user` of the first callback. It is not signed; only the name is taken from it.
 */
export function withAppleName(user: ProviderUser, field: string): ProviderUser {
  const name = recordOf(recordOf(parseJson(field)).name);
  const full = `${textOf(name, 'firstName')} ${textOf(name, 'lastName')}`.trim();
  return full === '' ? user : { ...user, claims: { ...user.claims, name: full, full_name: full } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Without xms_edov the tenant's application does not ask for it, and the address counts as verified, as it does in GoTrue; with it, it decides.
 */
function azureUser(claims: Claims): ProviderUser {
  const sub = textOf(claims, 'sub');
  const email = textOf(claims, 'email');
  const verified = claims.xms_edov === undefined ? email !== '' : truthOf(claims.xms_edov);
  const custom = Object.fromEntries(Object.entries(claims).filter(([name]) => !azureStandardClaims.has(name)));
  return {
    emails: oneEmail(email, verified),
    claims: {
      iss: textOf(claims, 'iss'),
      sub,
      preferred_username: textOf(claims, 'preferred_username'),
      full_name: textOf(claims, 'name'),
      provider_id: sub,
      custom_claims: custom,
    },
  };
}

function facebookTokenUser(claims: Claims): ProviderUser {
  const sub = textOf(claims, 'sub');
  return {
    emails: oneEmail(textOf(claims, 'email'), true),
    claims: {
      iss: textOf(claims, 'iss'),
      sub,
      name: textOf(claims, 'name'),
      picture: textOf(claims, 'picture'),
      provider_id: sub,
    },
  };
}

function linkedinUser(claims: Claims): ProviderUser {
  const sub = textOf(claims, 'sub');
  return {
    emails: oneEmail(textOf(claims, 'email'), truthOf(claims.email_verified)),
    claims: {
      iss: textOf(claims, 'iss'),
      sub,
      name: `${textOf(claims, 'given_name')} ${textOf(claims, 'family_name')}`.trim(),
      given_name: textOf(claims, 'given_name'),
      family_name: textOf(claims, 'family_name'),
      picture: textOf(claims, 'picture'),
      provider_id: sub,
    },
  };
}

function slackUser(claims: Claims): ProviderUser {
  const sub = textOf(claims, 'sub');
  return {
    emails: oneEmail(textOf(claims, 'email'), truthOf(claims.email_verified)),
    claims: {
      iss: textOf(claims, 'iss'),
      sub,
      name: textOf(claims, 'name'),
      picture: textOf(claims, 'picture'),
      avatar_url: textOf(claims, 'picture'),
      full_name: textOf(claims, 'name'),
      provider_id: sub,
      custom_claims: { 'https://slack.com/team_id': textOf(claims, 'https://slack.com/team_id') },
    },
  };
}

const standardTexts = [
  'name',
  'family_name',
  'given_name',
  'middle_name',
  'nickname',
  'preferred_username',
  'profile',
  'picture',
  'website',
  'gender',
  'birthdate',
  'zoneinfo',
  'locale',
] as const;

/** OpenID Connect Core, 5.1. `phone_number` is GoTrue's `phone`. */
export function genericUser(claims: Claims): ProviderUser {
  const sub = textOf(claims, 'sub');
  const phone = textOf(claims, 'phone_number') || textOf(claims, 'phone');
  const custom = recordOf(claims.custom_claims);
  return {
    emails: oneEmail(textOf(claims, 'email'), truthOf(claims.email_verified)),
    claims: {
      ...Object.fromEntries(standardTexts.map((name) => [name, textOf(claims, name)])),
      iss: textOf(claims, 'iss'),
      sub,
      ...(phone === ''
        ? {}
        : { phone, phone_verified: truthOf(claims.phone_number_verified ?? claims.phone_verified) }),
      full_name: textOf(claims, 'full_name') || textOf(claims, 'name'),
      avatar_url: textOf(claims, 'avatar_url') || textOf(claims, 'picture'),
      provider_id: sub,
      user_name: textOf(claims, 'user_name'),
      ...(Object.keys(custom).length === 0 ? {} : { custom_claims: custom }),
    },
  };
}
