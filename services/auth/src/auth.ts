import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { AuthContext } from './context.js';
import { createContext } from './create-context.js';
import { ApiError, notFound } from './errors.js';
import { unreadableBody } from './http/parse-body.js';
import { sendError } from './http/send-error.js';
import { startCleaning } from './maintenance/clean-up.js';
import type { AuthOptions } from './options.js';
import { routes } from './routes/routes.js';

/** Bodies are small: metadata is the largest thing in them. GoTrue's is 1 MiB too. */
const largestBody = 1024 * 1024;

/**
 * GoTrue's wire API (Supabase Auth 2.18x) as a Fastify plugin: register it with the prefix that the gateway strips or keeps. It works on the same
 * tables as the official service.
 */
export const auth: FastifyPluginAsync<AuthOptions> = async (app, options) => {
  const context = createContext(options, app.log);
  const cleaner = startCleaning(context);
  app.addHook('onClose', async () => {
    await cleaner[Symbol.asyncDispose]();
    await context.mailer[Symbol.asyncDispose]();
  });
  configure(app);
  for (const register of routes) register(app, context);
};

export type RegisterRoutes = (app: FastifyInstance, context: AuthContext) => void;

function configure(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  // Clients of GoTrue may leave the content type out, and it reads JSON whatever it says.
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: largestBody },
    (_, body, done) => {
      done(null, Object.fromEntries(new URLSearchParams(String(body))));
    },
  );
  app.addContentTypeParser('*', { parseAs: 'string', bodyLimit: largestBody }, (_, body, done) => {
    done(null, parseJson(String(body)));
  });
  // Fastify answers HEAD by the handler of GET, which would use a link's code up: those who check links in mails ask so. GoTrue knows no HEAD.
  app.addHook('onRequest', async (request) => {
    if (request.method === 'HEAD') throw new ApiError({ status: 405, code: 'unknown', message: 'Method not allowed' });
  });
  app.setErrorHandler(sendError);
  app.setNotFoundHandler(async (request, reply) => {
    await sendError(notFound('unknown', `Path not found: ${request.method}`), request, reply);
  });
}

function parseJson(text: string): unknown {
  if (text.trim() === '') return {};
  try {
    // A key __proto__ of an object made by JSON.parse is a plain key; what merges objects later spreads them.
    return JSON.parse(text) as unknown;
  } catch {
    return unreadableBody;
  }
}
