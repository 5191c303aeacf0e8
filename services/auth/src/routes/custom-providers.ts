import type { FastifyRequest } from 'fastify';
import type { RegisterRoutes } from '../auth.js';
import type { AuthContext } from '../context.js';
import { badRequest, notFound, validationFailed } from '../errors.js';
import { requireAdmin } from '../http/authenticate.js';
import { parseBody, pathValue, queryValue } from '../http/parse-body.js';
import { customProviderBody, planProvider, planProviderUpdate } from '../providers/custom-provider-request.js';
import {
  type CustomProvider,
  countCustomProviders,
  deleteCustomProvider,
  findCustomProvider,
  insertCustomProvider,
  listCustomProviders,
  updateCustomProvider,
} from '../store/custom-providers.js';

/** /admin/custom-providers: providers that administrators add at run time. */
export const customProviderRoutes: RegisterRoutes = (app, context) => {
  app.get('/admin/custom-providers', async (request) => {
    await requireOperator(request, context);
    const type = queryValue(request, 'type');
    if (type !== '' && type !== 'oauth2' && type !== 'oidc') {
      throw validationFailed("type must be either 'oauth2' or 'oidc'");
    }
    const [providers] = await context.read(listCustomProviders(type === '' ? undefined : type));
    return { providers: providers.map(renderProvider) };
  });
  app.post('/admin/custom-providers', async (request, reply) => {
    await requireOperator(request, context);
    return await reply.code(201).send(renderProvider(await create(request, context)));
  });
  app.get('/admin/custom-providers/:identifier', async (request) => renderProvider(await load(request, context)));
  app.put('/admin/custom-providers/:identifier', async (request) => {
    const provider = await load(request, context);
    const { privateAddresses } = context.settings.outbound;
    const changes = planProviderUpdate(
      parseBody(request, customProviderBody),
      provider.provider_type,
      privateAddresses,
    );
    const [updated] = await context.write(updateCustomProvider(provider.identifier, changes, context.now()));
    if (updated === undefined) throw missing();
    return renderProvider(updated);
  });
  app.delete('/admin/custom-providers/:identifier', async (request) => {
    const provider = await load(request, context);
    await context.write(deleteCustomProvider(provider.identifier));
    return { message: 'Custom OAuth provider deleted successfully' };
  });
};

async function requireOperator(request: FastifyRequest, context: AuthContext): Promise<void> {
  await requireAdmin(request, context);
  if (!context.settings.customProviders.enabled) {
    throw notFound('feature_disabled', 'Custom OAuth providers are disabled');
  }
}

const missing = () => notFound('custom_provider_not_found', 'Custom OAuth provider not found');

async function load(request: FastifyRequest, context: AuthContext): Promise<CustomProvider> {
  await requireOperator(request, context);
  const identifier = pathValue(request, 'identifier');
  if (!identifier.startsWith('custom:')) throw validationFailed("identifier must start with 'custom:' prefix");
  const [provider] = await context.read(findCustomProvider(identifier.slice(0, 100)));
  if (provider === undefined) throw missing();
  return provider;
}

async function create(request: FastifyRequest, context: AuthContext): Promise<CustomProvider> {
  const { customProviders, outbound } = context.settings;
  const planned = planProvider(parseBody(request, customProviderBody), outbound.privateAddresses);
  const [count, known] = await context.read(countCustomProviders(), findCustomProvider(planned.identifier));
  if (customProviders.maxProviders > 0 && count >= customProviders.maxProviders) {
    throw badRequest('over_custom_provider_quota', 'Maximum number of custom OAuth/OIDC providers reached');
  }
  const taken = () => badRequest('conflict', 'A custom OAuth provider with this identifier already exists');
  if (known !== undefined) throw taken();
  try {
    const [provider] = await context.write(insertCustomProvider(planned, context.now()));
    return provider;
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === '23505') throw taken();
    throw error;
  }
}

/** Everything but the secret, which goes in and never out. */
function renderProvider({ client_secret: _, ...provider }: CustomProvider): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(provider).filter(([, value]) => value !== null));
}
