import type { RegisterRoutes } from '../auth.js';
import { beginSignIn } from '../external/begin-sign-in.js';
import { handleCallback } from '../external/handle-callback.js';

/** GET /authorize: to a provider. GET and POST /callback: back from it. */
export const authorizeRoutes: RegisterRoutes = (app, context) => {
  app.get('/authorize', async (request, reply) => {
    const url = await beginSignIn(request, context);
    return await reply.redirect(url, 302);
  });
  app.route({
    method: ['GET', 'POST'],
    url: '/callback',
    async handler(request, reply) {
      const url = await handleCallback(request, context);
      // Tokens and codes are in the URL: nobody may keep it, and no page may learn it from the header Referer.
      reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer');
      return await reply.redirect(url, 302);
    },
  });
};
