import { oneEmail, type ProviderUser, recordOf, textOf, truthOf } from '../provider-user.js';

const pictures = 'https://cdn.discordapp.com';

/** GET /users/@me of Discord's API. */
export function discordUser(profile: unknown, apiUrl: string): ProviderUser {
  const user = recordOf(profile);
  const id = textOf(user, 'id');
  const username = textOf(user, 'username');
  const picture = pictureUrl(id, textOf(user, 'avatar'), textOf(user, 'discriminator'));
  const globalName = textOf(user, 'global_name');
  return {
    emails: oneEmail(textOf(user, 'email'), truthOf(user.verified)),
    claims: {
      iss: apiUrl,
      sub: id,
      name: `${username}#${textOf(user, 'discriminator')}`,
      picture,
      avatar_url: picture,
      full_name: username,
      provider_id: id,
      ...(globalName === '' ? {} : { custom_claims: { global_name: globalName } }),
    },
  };
}

/** Hashes that start with a_ are animated. Who has no picture gets one of five. */
function pictureUrl(id: string, hash: string, discriminator: string): string {
  if (hash === '') return `${pictures}/embed/avatars/${(Number(discriminator) || 0) % 5}.png`;
  return `${pictures}/avatars/${encodeURIComponent(id)}/${encodeURIComponent(hash)}.${hash.startsWith('a_') ? 'gif' : 'png'}`;
}
