import {
  allowInsecureRequests,
  type ClientAuth,
  Configuration,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
} from 'openid-client';
import { isLoopbackHost } from '../outbound/judge-address.js';
import { OutboundError, type OutboundFetch } from '../outbound/outbound-fetch.js';

/** How long a discovery document counts. A provider that moves its endpoints does so slowly. Milliseconds. */
const lifetime = 10 * 60 * 1000;

/** Beyond so many, the oldest goes. */
const mostDocuments = 200;

type ServerMetadata = ReturnType<Configuration['serverMetadata']>;

/** Discovery documents (OpenID Connect Discovery 1.0), each fetched once in a while. */
export class DiscoveryCache {
  readonly #documents = new Map<string, { readonly at: number; readonly metadata: Promise<ServerMetadata> }>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Rejects with OutboundError when there is none, or it is another issuer's. */
  async metadata(
    issuer: string,
    discoveryUrl: string | undefined,
    fetch: OutboundFetch,
    signal: AbortSignal,
  ): Promise<ServerMetadata> {
    const key = `${issuer}\n${discoveryUrl ?? ''}`;
    const known = this.#documents.get(key);
    if (known !== undefined && this.#now() - known.at < lifetime) return await known.metadata;
    const metadata = discover(issuer, discoveryUrl, fetch, signal);
    this.#documents.delete(key);
    this.#documents.set(key, { at: this.#now(), metadata });
    const [oldest] = this.#documents.keys();
    if (this.#documents.size > mostDocuments && oldest !== undefined) this.#documents.delete(oldest);
    try {
      return await metadata;
    } catch (error) {
      if (this.#documents.get(key)?.metadata === metadata) this.#documents.delete(key);
      throw error;
    }
  }
}

async function discover(
  issuer: string,
  discoveryUrl: string | undefined,
  fetch: OutboundFetch,
  signal: AbortSignal,
): Promise<ServerMetadata> {
  let metadata: ServerMetadata;
  try {
    const server = new URL(discoveryUrl ?? `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    const configuration = await discovery(server, 'discovery', undefined, undefined, {
      [customFetch]: adapt(fetch, signal),
      execute: isLoopbackHost(server.hostname) ? [allowInsecureRequests] : [],
    });
    metadata = configuration.serverMetadata();
  } catch (error) {
    throw new OutboundError('the discovery document of the provider cannot be had', error);
  }
  if (withoutSlash(metadata.issuer) !== withoutSlash(issuer) && !isEntra(issuer, metadata.issuer)) {
    throw new OutboundError('the discovery document names another issuer');
  }
  return metadata;
}

function withoutSlash(issuer: string): string {
  return issuer.replace(/\/$/, '');
}

/** Microsoft's documents for several tenants hold a placeholder where tokens hold the tenant. */
function isEntra(issuer: string, named: string): boolean {
  return (
    issuer.startsWith('https://login.microsoftonline.com/') &&
    named === 'https://login.microsoftonline.com/{tenantid}/v2.0'
  );
}

/** What openid-client calls instead of fetch; its redirect mode is manual, as ours is. */
export function adapt(fetch: OutboundFetch, signal: AbortSignal) {
  return async (
    url: string,
    options: { readonly method: string; readonly headers: Record<string, string>; readonly body?: unknown },
  ): Promise<Response> => {
    const { body } = options;
    const text = typeof body === 'string' || body instanceof URLSearchParams ? body.toString() : undefined;
    return await fetch(url, {
      method: options.method,
      headers: options.headers,
      ...(text === undefined ? {} : { body: text }),
      signal,
    });
  };
}

/** A client of a provider for one call: id tokens are verified by the provider's keys though they come over TLS. */
export function clientOf(
  metadata: ServerMetadata,
  client: { readonly id: string; readonly secret: string; readonly authentication: ClientAuth },
  fetch: OutboundFetch,
  signal: AbortSignal,
): Configuration {
  const configuration = new Configuration(metadata, client.id, { client_secret: client.secret }, client.authentication);
  configuration[customFetch] = adapt(fetch, signal);
  enableNonRepudiationChecks(configuration);
  if (isLoopbackHost(new URL(metadata.issuer.replace('{tenantid}', 'common')).hostname))
    allowInsecureRequests(configuration);
  return configuration;
}
