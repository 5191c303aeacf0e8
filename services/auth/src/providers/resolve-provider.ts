import type { AuthContext } from '../context.js';
import { type OutboundFetch, outboundFetch } from '../outbound/outbound-fetch.js';
import { findCustomProvider } from '../store/custom-providers.js';
import { defineProvider, type ProviderDefinition } from './builtin-providers.js';
import { defineCustomProvider } from './custom-provider.js';
import type { ExternalProvider } from './external-provider.js';
import { oauth2Provider } from './oauth2-provider.js';
import { DiscoveryCache } from './oidc-discovery.js';
import { oidcProvider } from './oidc-provider.js';

/** What providers need to be spoken to, once a service. */
export interface ProviderTools {
  readonly cache: DiscoveryCache;
  /** For URLs of the settings. */
  readonly trusted: OutboundFetch;
  /** For URLs that came through the API. */
  readonly untrusted: OutboundFetch;
}

const toolsOf = new WeakMap<AuthContext, ProviderTools>();

export function providerTools(context: AuthContext): ProviderTools {
  const known = toolsOf.get(context);
  if (known !== undefined) return known;
  const { outbound } = context.settings;
  const tools = {
    cache: new DiscoveryCache(),
    trusted: outboundFetch(outbound, 'operator'),
    untrusted: outboundFetch(outbound, 'stranger'),
  };
  toolsOf.set(context, tools);
  return tools;
}

/** Why a provider cannot be used, in GoTrue's words. */
export class UnsupportedProvider extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnsupportedProvider';
  }
}

export interface ResolvedProvider {
  readonly provider: ExternalProvider;
  /** Where it sends people back to. */
  readonly redirectUri: string;
}

/** A provider of the settings, or a custom one (`custom:…`). Rejects with UnsupportedProvider. */
export async function resolveProvider(context: AuthContext, name: string): Promise<ResolvedProvider> {
  const tools = providerTools(context);
  const callback = `${context.settings.externalUrl.replace(/\/+$/, '')}/callback`;
  if (name.startsWith('custom:')) {
    const definition = await customDefinition(context, name);
    return { provider: build(definition, tools.untrusted, tools.cache), redirectUri: callback };
  }
  const settings = Object.hasOwn(context.settings.providers, name) ? context.settings.providers[name] : undefined;
  if (settings === undefined) throw new UnsupportedProvider(`Provider ${name} could not be found`);
  if (!settings.enabled) throw new UnsupportedProvider('provider is not enabled');
  if ((settings.clientIds[0] ?? '') === '') throw new UnsupportedProvider('missing OAuth client ID');
  const definition = defineProvider(name, settings);
  if (definition === undefined) throw new UnsupportedProvider(`Provider ${name} could not be found`);
  return {
    provider: build(definition, tools.trusted, tools.cache),
    redirectUri: settings.redirectUri ?? callback,
  };
}

async function customDefinition(context: AuthContext, name: string): Promise<ProviderDefinition> {
  if (!context.settings.customProviders.enabled) throw new UnsupportedProvider('custom OAuth providers are disabled');
  const [row] = await context.read(findCustomProvider(name));
  if (row === undefined) throw new UnsupportedProvider(`custom provider ${name} not found`);
  if (!row.enabled) throw new UnsupportedProvider(`custom provider ${name} is disabled`);
  const definition = defineCustomProvider(row);
  if (definition === undefined) throw new UnsupportedProvider(`custom provider ${name} missing required endpoints`);
  return definition;
}

function build(definition: ProviderDefinition, fetch: OutboundFetch, cache: DiscoveryCache): ExternalProvider {
  return definition.kind === 'oidc'
    ? oidcProvider(definition.definition, { fetch, cache })
    : oauth2Provider(definition.definition, fetch);
}
