export { auth, type RegisterRoutes } from './auth.js';
export * from './options.js';
