import type { RegisterRoutes } from '../auth.js';
import { coreRoutes } from './core-routes.js';
import { extendedRoutes } from './extended-routes.js';

/** All of Auth. */
export const routes: readonly RegisterRoutes[] = [...coreRoutes, ...extendedRoutes];
