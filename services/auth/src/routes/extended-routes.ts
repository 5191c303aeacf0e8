import type { RegisterRoutes } from '../auth.js';

/** OAuth, identities, second factors, passkeys, SSO, the OAuth server. */
export const extendedRoutes: readonly RegisterRoutes[] = [];
