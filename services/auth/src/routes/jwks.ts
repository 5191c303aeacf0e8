import { publicJwks } from '@holdfast/keys';
import type { RegisterRoutes } from '../auth.js';

/** GET /.well-known/jwks.json: what anybody may check tokens with; nothing where they are signed by a secret. */
export const jwksRoutes: RegisterRoutes = (app, context) => {
  app.get('/.well-known/jwks.json', async (_request, reply) => {
    reply.header('cache-control', 'public, max-age=600');
    return context.settings.jwt.algorithm === 'ES256' ? publicJwks(context.keys(), context.now()) : { keys: [] };
  });
};
