import type { FastifyRequest } from 'fastify';
import type { RegisterRoutes } from '../auth.js';
import type { AuthContext } from '../context.js';
import { notFound } from '../errors.js';
import { requireAdmin } from '../http/authenticate.js';
import { checkCaptcha } from '../http/check-captcha.js';
import { isUuid, parseBody, pathValue, queryValue } from '../http/parse-body.js';
import { beginSaml } from '../saml/begin-saml.js';
import { consumeAssertion } from '../saml/consume-assertion.js';
import { serviceMetadata } from '../saml/service-provider.js';
import { changeSsoProvider, createSsoProvider } from '../sso/manage-sso-providers.js';
import { ssoProviderBody } from '../sso/sso-provider-request.js';
import {
  deleteSsoProvider,
  findSsoProvider,
  findSsoProviderByResource,
  listSsoProviders,
  type SsoProvider,
} from '../store/sso-providers.js';

/** How long metadata that somebody keeps as a file say that they hold. Milliseconds; GoTrue's five years. */
const fileValidity = 5 * 365 * 24 * 3600 * 1000;

/** POST /sso: to an identity provider. POST /sso/saml/acs: back from it. GET /sso/saml/metadata: what it must know of us. */
export const ssoRoutes: RegisterRoutes = (app, context) => {
  const requireSaml = () => {
    if (!context.settings.saml.enabled) throw notFound('saml_provider_disabled', 'SAML 2.0 is disabled');
  };
  app.post('/sso', async (request, reply) => {
    requireSaml();
    context.limits.check('sso', request);
    await checkCaptcha(request, context);
    const { url, asJson } = await beginSaml(request, context);
    return asJson ? { url } : await reply.redirect(url, 303);
  });
  app.get('/sso/saml/metadata', async (request, reply) => {
    requireSaml();
    const download = queryValue(request, 'download') === 'true';
    if (download) reply.header('content-disposition', 'attachment; filename="metadata.xml"');
    const validUntil = download ? new Date(context.now().getTime() + fileValidity) : undefined;
    reply.header('cache-control', 'public, max-age=600').type('application/xml');
    return await serviceMetadata(context.settings, validUntil);
  });
  app.post('/sso/saml/acs', async (request, reply) => {
    requireSaml();
    context.limits.check('sso', request);
    const url = await consumeAssertion(request, context);
    reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer');
    // 303: the browser must not post the assertion on to the application.
    return await reply.redirect(url, 303);
  });
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
