import { createHmac } from 'node:crypto';
import { fetchJson } from '../outbound/outbound-fetch.js';
import type { ProviderSettings } from '../settings/providers.js';
import { ask, type OAuth2Definition } from './oauth2-provider.js';
import type { OidcDefinition } from './oidc-provider.js';
import { discordUser } from './profiles/discord.js';
import { facebookFields, facebookUser } from './profiles/facebook.js';
import { githubUser } from './profiles/github.js';
import { gitlabUser } from './profiles/gitlab.js';
import { twitchUser } from './profiles/twitch.js';

export type ProviderDefinition =
  | { readonly kind: 'oauth2'; readonly definition: OAuth2Definition }
  | { readonly kind: 'oidc'; readonly definition: OidcDefinition };

export const appleIssuer = 'https://appleid.apple.com';
export const googleIssuer = 'https://accounts.google.com';
export const facebookIssuer = 'https://www.facebook.com';
const azureDefault = 'https://login.microsoftonline.com/common';

/** How a provider of the settings is spoken to. A name that is none of ours is generic OIDC, whose URL is the issuer; undefined without one. */
export function defineProvider(name: string, settings: ProviderSettings): ProviderDefinition | undefined {
  const [clientId = ''] = settings.clientIds;
  const common = { name, clientId, clientSecret: settings.secret, emailOptional: settings.emailOptional };
  const url = settings.url?.replace(/\/+$/, '');
  const scopes = (...defaults: string[]) => settings.scopes ?? defaults;
  switch (name) {
    case 'google':
      return oidc({
        ...common,
        issuer: url ?? googleIssuer,
        ...(url === undefined ? { authorizationUrl: `${googleIssuer}/o/oauth2/v2/auth` } : {}),
        scopes: scopes('email', 'profile'),
        pkce: true,
        nonce: true,
      });
    case 'apple':
      return oidc({
        ...common,
        issuer: url ?? appleIssuer,
        ...(url === undefined ? { authorizationUrl: `${appleIssuer}/auth/authorize` } : {}),
        scopes: scopes('email', 'name'),
        parameters: { response_mode: 'form_post' },
        pkce: false,
        nonce: true,
      });
    case 'azure':
      return oidc({
        ...common,
        issuer: `${url ?? azureDefault}/v2.0`,
        authorizationUrl: `${url ?? azureDefault}/oauth2/v2.0/authorize`,
        scopes: scopes(),
        pkce: true,
        nonce: true,
      });
    case 'linkedin_oidc':
      return oidc({
        ...common,
        issuer: url ?? 'https://www.linkedin.com/oauth',
        ...(url === undefined ? { authorizationUrl: 'https://www.linkedin.com/oauth/v2/authorization' } : {}),
        scopes: scopes('profile', 'email'),
        pkce: false,
        nonce: false,
      });
    case 'slack_oidc':
      return oidc({
        ...common,
        issuer: url ?? 'https://slack.com',
        ...(url === undefined ? { authorizationUrl: 'https://slack.com/openid/connect/authorize' } : {}),
        scopes: scopes('profile', 'email'),
        pkce: false,
        nonce: true,
      });
    case 'github':
      return oauth2(github(common, url ?? 'https://github.com', scopes('user:email')));
    case 'gitlab':
      return oauth2(gitlab(common, url ?? 'https://gitlab.com', scopes('read_user')));
    case 'discord':
      return oauth2(discord(common, url ?? 'https://discord.com', scopes('email', 'identify')));
    case 'facebook':
      return oauth2(facebook(common, url, scopes('email')));
    case 'twitch':
      return oauth2(twitch(common, url, scopes('user:read:email')));
    default:
      if (url === undefined) return undefined;
      return oidc({ ...common, issuer: url, scopes: scopes('email', 'profile'), pkce: true, nonce: true });
  }
}

const oidc = (definition: OidcDefinition): ProviderDefinition => ({ kind: 'oidc', definition });
const oauth2 = (definition: OAuth2Definition): ProviderDefinition => ({ kind: 'oauth2', definition });

type Common = Pick<OAuth2Definition, 'name' | 'clientId' | 'clientSecret' | 'emailOptional'>;

/** GitHub's own API is at another host than GitHub Enterprise's. */
function github(common: Common, base: string, scopes: readonly string[]): OAuth2Definition {
  const api = base === 'https://github.com' ? 'https://api.github.com' : `${base}/api/v3`;
  return {
    ...common,
    authorizationUrl: `${base}/login/oauth/authorize`,
    tokenUrl: `${base}/login/oauth/access_token`,
    scopes,
    pkce: true,
    async profile(token, fetch, signal) {
      const headers = { accept: 'application/vnd.github+json' };
      const [user, emails] = await Promise.all([
        fetchJson(fetch, ...ask(`${api}/user`, token, signal, headers)),
        fetchJson(fetch, ...ask(`${api}/user/emails`, token, signal, headers)),
      ]);
      return githubUser(user, emails, api);
    },
  };
}

function gitlab(common: Common, base: string, scopes: readonly string[]): OAuth2Definition {
  return {
    ...common,
    authorizationUrl: `${base}/oauth/authorize`,
    tokenUrl: `${base}/oauth/token`,
    scopes,
    pkce: true,
    async profile(token, fetch, signal) {
      const [user, emails] = await Promise.all([
        fetchJson(fetch, ...ask(`${base}/api/v4/user`, token, signal)),
        fetchJson(fetch, ...ask(`${base}/api/v4/user/emails`, token, signal)),
      ]);
      return gitlabUser(user, emails, base);
    },
  };
}

function discord(common: Common, base: string, scopes: readonly string[]): OAuth2Definition {
  const api = `${base}/api`;
  return {
    ...common,
    authorizationUrl: `${api}/oauth2/authorize`,
    tokenUrl: `${api}/oauth2/token`,
    scopes,
    pkce: true,
    profile: async (token, fetch, signal) =>
      discordUser(await fetchJson(fetch, ...ask(`${api}/users/@me`, token, signal)), api),
  };
}

/** The proof shows that who holds the token holds the application's secret too (Graph API, "securing requests"). */
function facebook(common: Common, url: string | undefined, scopes: readonly string[]): OAuth2Definition {
  const graph = url ?? 'https://graph.facebook.com';
  return {
    ...common,
    authorizationUrl: `${url ?? 'https://www.facebook.com'}/dialog/oauth`,
    tokenUrl: `${graph}/oauth/access_token`,
    scopes,
    scopeSeparator: ',',
    pkce: false,
    async profile(token, fetch, signal) {
      const proof = createHmac('sha256', common.clientSecret).update(token).digest('hex');
      const me = `${graph}/me?fields=${facebookFields}&appsecret_proof=${proof}`;
      return facebookUser(await fetchJson(fetch, ...ask(me, token, signal)), graph);
    },
  };
}

function twitch(common: Common, url: string | undefined, scopes: readonly string[]): OAuth2Definition {
  const identity = url ?? 'https://id.twitch.tv';
  const api = url ?? 'https://api.twitch.tv';
  return {
    ...common,
    authorizationUrl: `${identity}/oauth2/authorize`,
    tokenUrl: `${identity}/oauth2/token`,
    scopes,
    pkce: false,
    async profile(token, fetch, signal) {
      const headers = { 'client-id': common.clientId };
      return twitchUser(await fetchJson(fetch, ...ask(`${api}/helix/users`, token, signal, headers)), api);
    },
  };
}
