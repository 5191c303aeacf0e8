import type { RegisterRoutes } from '../auth.js';
import { adminFactorRoutes } from './admin-factors.js';
import { factorRoutes } from './factors.js';
import { adminPasskeyRoutes, passkeyRoutes } from './passkeys.js';

/** OAuth, identities, second factors, passkeys, SSO, the OAuth server. */
export const extendedRoutes: readonly RegisterRoutes[] = [
  factorRoutes,
  adminFactorRoutes,
  passkeyRoutes,
  adminPasskeyRoutes,
];
