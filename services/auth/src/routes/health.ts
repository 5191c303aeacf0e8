import type { RegisterRoutes } from '../auth.js';

/** The version of the API that we speak. */
export const version = 'v2.180.0';

/** GET /health: the service runs; it says nothing about the database. */
export const healthRoutes: RegisterRoutes = (app) => {
  app.get('/health', async () => ({
    version,
    name: 'GoTrue',
    description: 'GoTrue is a user registration and authentication API',
  }));
};
