import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { RegisterRoutes } from '../auth.js';
import type { AuthContext } from '../context.js';
import { forbidden, notFound, validationFailed } from '../errors.js';
import { requireAdmin } from '../http/authenticate.js';
import { readPage, sendPage } from '../http/pagination.js';
import { isUuid, parseBody, pathValue } from '../http/parse-body.js';
import {
  planClient,
  planClientUpdate,
  type Registration,
  registrationBody,
} from '../oauth-server/client-registration.js';
import { hashClientSecret, newClientSecret } from '../oauth-server/client-secret.js';
import { renderClient } from '../oauth-server/render-client.js';
import {
  deleteOAuthClient,
  findOAuthClient,
  insertOAuthClient,
  listOAuthClients,
  type OAuthClient,
  updateOAuthClient,
} from '../store/oauth-clients.js';

/** 404 feature_disabled where the OAuth server is off. */
export function requireOAuthServer({ settings }: AuthContext): void {
  if (!settings.oauthServer.enabled) throw notFound('feature_disabled', 'OAuth server is disabled');
}

/** /admin/oauth/clients, and the registration that applications do themselves (RFC 7591). */
export const oauthClientRoutes: RegisterRoutes = (app, context) => {
  app.get('/admin/oauth/clients', async (request, reply) => {
    await requireOperator(request, context);
    const page = readPage(request);
    const [{ clients, total }] = await context.read(listOAuthClients(page.perPage, page.offset));
    sendPage(reply, '/admin/oauth/clients', page, total);
    return { clients: clients.map((client) => renderClient(client)) };
  });
  app.post('/admin/oauth/clients', async (request, reply) => {
    await requireOperator(request, context);
    return await reply.code(201).send(await register(context, parseBody(request, registrationBody), 'manual'));
  });
  app.get('/admin/oauth/clients/:id', async (request) => renderClient(await loadClient(request, context)));
  app.put('/admin/oauth/clients/:id', async (request) => {
    const client = await loadClient(request, context);
    const changes = planClientUpdate(parseBody(request, registrationBody), client.client_type);
    return renderClient(await update(context, client.id, changes));
  });
  app.delete('/admin/oauth/clients/:id', async (request, reply) => {
    const client = await loadClient(request, context);
    await context.write(...deleteOAuthClient(client.id, context.now()));
    return await reply.code(204).send();
  });
  app.post('/admin/oauth/clients/:id/regenerate_secret', async (request) => {
    const client = await loadClient(request, context);
    if (client.client_type === 'public') throw validationFailed('Cannot regenerate secret for public client');
    const secret = newClientSecret();
    return renderClient(await update(context, client.id, { client_secret_hash: hashClientSecret(secret) }), secret);
  });
  for (const path of ['/oauth/register', '/oauth/clients/register']) {
    app.post(path, async (request, reply) => {
      requireOAuthServer(context);
      if (!context.settings.oauthServer.dynamicRegistration) {
        const message = 'Dynamic client registration is not enabled';
        throw forbidden('oauth_dynamic_client_registration_disabled', message);
      }
      context.limits.check('oauthRegistration', request);
      return await reply.code(201).send(await register(context, parseBody(request, registrationBody), 'dynamic'));
    });
  }
};

async function requireOperator(request: FastifyRequest, context: AuthContext): Promise<void> {
  await requireAdmin(request, context);
  requireOAuthServer(context);
}

const missing = () => notFound('oauth_client_not_found', 'OAuth client not found');

async function loadClient(request: FastifyRequest, context: AuthContext): Promise<OAuthClient> {
  await requireOperator(request, context);
  const id = pathValue(request, 'id');
  if (!isUuid(id)) throw validationFailed('invalid client_id format');
  const [client] = await context.read(findOAuthClient(id));
  if (client === undefined) throw missing();
  return client;
}

async function register(context: AuthContext, body: Registration, registrationType: 'manual' | 'dynamic') {
  const planned = planClient(body);
  const secret = planned.client_type === 'confidential' ? newClientSecret() : undefined;
  const values = {
    id: randomUUID(),
    registration_type: registrationType,
    client_secret_hash: secret === undefined ? '' : hashClientSecret(secret),
    ...planned,
  };
  const [client] = await context.write(insertOAuthClient(values, context.now()));
  return renderClient(client, secret);
}

async function update(context: AuthContext, id: string, changes: Readonly<Record<string, unknown>>) {
  const [client] = await context.write(updateOAuthClient(id, changes, context.now()));
  if (client === undefined) throw missing();
  return client;
}
