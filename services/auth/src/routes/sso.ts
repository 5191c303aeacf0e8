import type { FastifyRequest } from 'fastify';
import type { RegisterRoutes } from '../auth.js';
import type { AuthContext } from '../context.js';
import { notFound } from '../errors.js';
import { requireAdmin } from '../http/authenticate.js';
import { isUuid, parseBody, pathValue } from '../http/parse-body.js';
import { changeSsoProvider, createSsoProvider } from '../sso/manage-sso-providers.js';
import { ssoProviderBody } from '../sso/sso-provider-request.js';
import {
  deleteSsoProvider,
  findSsoProvider,
  findSsoProviderByResource,
  listSsoProviders,
  type SsoProvider,
} from '../store/sso-providers.js';

/** Signing in by SAML is absent: it needs XML signatures, which Node.js cannot check. The answer is that of a server where it is off. */
export const ssoRoutes: RegisterRoutes = (app, context) => {
  if (context.settings.saml.enabled) app.log.warn('Auth: saml.enabled has no effect; signing in by SAML is absent');
  for (const [method, url] of [
    ['POST', '/sso'],
    ['GET', '/sso/saml/metadata'],
    ['POST', '/sso/saml/acs'],
  ] as const) {
    app.route({
      method,
      url,
      handler() {
        throw notFound('saml_provider_disabled', 'SAML 2.0 is disabled');
      },
    });
  }
};

/** /admin/sso/providers: identity providers as the official service keeps them, so that it can use what is entered here. */
export const adminSsoRoutes: RegisterRoutes = (app, context) => {
  app.get('/admin/sso/providers', async (request) => {
    await requireAdmin(request, context);
    const [providers] = await context.read(listSsoProviders());
    return { items: providers.map((provider) => renderProvider(provider, { metadata: false })) };
  });
  app.post('/admin/sso/providers', async (request, reply) => {
    await requireAdmin(request, context);
    const provider = await createSsoProvider(context, parseBody(request, ssoProviderBody));
    return await reply.code(201).send(renderProvider(provider));
  });
  app.get('/admin/sso/providers/:id', async (request) => renderProvider(await load(request, context)));
  app.put('/admin/sso/providers/:id', async (request) => {
    const provider = await load(request, context);
    return renderProvider(await changeSsoProvider(context, provider, parseBody(request, ssoProviderBody)));
  });
  app.delete('/admin/sso/providers/:id', async (request) => {
    const provider = await load(request, context);
    await context.write(deleteSsoProvider(provider.id));
    return renderProvider(provider);
  });
};

/** By id, or by `resource_…` and the operator's own name for it. */
async function load(request: FastifyRequest, context: AuthContext): Promise<SsoProvider> {
  await requireAdmin(request, context);
  const id = pathValue(request, 'id');
  const named = id.startsWith('resource_') ? findSsoProviderByResource(id.slice('resource_'.length)) : undefined;
  const [provider] = named !== undefined || isUuid(id) ? await context.read(named ?? findSsoProvider(id)) : [undefined];
  if (provider === undefined) throw notFound('sso_provider_not_found', 'SSO Identity Provider not found');
  return provider;
}

function renderProvider(provider: SsoProvider, { metadata = true } = {}): Readonly<Record<string, unknown>> {
  const { saml } = provider;
  return {
    id: provider.id,
    ...(provider.resource_id === null ? {} : { resource_id: provider.resource_id }),
    disabled: provider.disabled,
    saml: {
      entity_id: saml.entity_id,
      ...(metadata ? { metadata_xml: saml.metadata_xml } : {}),
      ...(saml.metadata_url === null ? {} : { metadata_url: saml.metadata_url }),
      ...(saml.attribute_mapping === null ? {} : { attribute_mapping: saml.attribute_mapping }),
      ...(saml.name_id_format === null ? {} : { name_id_format: saml.name_id_format }),
    },
    domains: provider.domains,
    created_at: provider.created_at,
    updated_at: provider.updated_at,
  };
}
