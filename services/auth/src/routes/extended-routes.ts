import type { RegisterRoutes } from '../auth.js';
import { adminFactorRoutes } from './admin-factors.js';
import { authorizeRoutes } from './authorize.js';
import { customProviderRoutes } from './custom-providers.js';
import { factorRoutes } from './factors.js';
import { identityRoutes } from './identities.js';
import { oauthClientRoutes } from './oauth-clients.js';
import { oauthServerRoutes, wellKnownRoutes } from './oauth-server.js';
import { adminPasskeyRoutes, passkeyRoutes } from './passkeys.js';
import { adminSsoRoutes, ssoRoutes } from './sso.js';

/** OAuth, identities, second factors, passkeys, SSO, the OAuth server. */
export const extendedRoutes: readonly RegisterRoutes[] = [
  authorizeRoutes,
  identityRoutes,
  factorRoutes,
  adminFactorRoutes,
  passkeyRoutes,
  adminPasskeyRoutes,
  customProviderRoutes,
  ssoRoutes,
  adminSsoRoutes,
  oauthClientRoutes,
  oauthServerRoutes,
  wellKnownRoutes,
];
