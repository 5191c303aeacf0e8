import type { RegisterRoutes } from '../auth.js';
import { adminFactorRoutes } from './admin-factors.js';
import { authorizeRoutes } from './authorize.js';
import { factorRoutes } from './factors.js';
import { identityRoutes } from './identities.js';
import { adminPasskeyRoutes, passkeyRoutes } from './passkeys.js';

/** OAuth, identities, second factors, passkeys, SSO, the OAuth server. */
export const extendedRoutes: readonly RegisterRoutes[] = [
  authorizeRoutes,
  identityRoutes,
  factorRoutes,
  adminFactorRoutes,
  passkeyRoutes,
  adminPasskeyRoutes,
];
