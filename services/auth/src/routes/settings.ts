import type { RegisterRoutes } from '../auth.js';

/** The names that GoTrue lists, whether it knows them or not. */
const providers = [
  ...['apple', 'azure', 'bitbucket', 'discord', 'facebook', 'figma', 'fly', 'github', 'gitlab', 'google', 'keycloak'],
  ...['kakao', 'linkedin', 'linkedin_oidc', 'notion', 'snapchat', 'spotify', 'slack', 'slack_oidc', 'workos', 'twitch'],
  ...['twitter', 'x', 'zoom'],
];

/** GET /settings: what the service allows, for pages that show how one may sign in. */
export const settingsRoutes: RegisterRoutes = (app, { settings }) => {
  const names = [...new Set([...providers, ...Object.keys(settings.providers)])];
  const enabled = Object.fromEntries(names.map((name) => [name, settings.providers[name]?.enabled ?? false]));
  app.get('/settings', async () => ({
    external: {
      anonymous_users: settings.signup.anonymous,
      ...enabled,
      email: settings.signup.email,
      phone: settings.signup.phone,
      web3_ethereum: settings.web3.ethereum,
      web3_solana: settings.web3.solana,
    },
    disable_signup: settings.signup.disabled,
    mailer_autoconfirm: settings.email.autoconfirm,
    phone_autoconfirm: settings.phone.autoconfirm,
    sms_provider: settings.sms.provider.name === 'log' ? '' : settings.sms.provider.name,
    saml_enabled: settings.saml.enabled,
    passkeys_enabled: settings.passkeys.enabled,
  }));
};
