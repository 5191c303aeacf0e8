import type { RegisterRoutes } from '../auth.js';
import { healthRoutes } from './health.js';

export const coreRoutes: readonly RegisterRoutes[] = [healthRoutes];
