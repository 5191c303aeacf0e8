import type { AuthContext } from '../context.js';
import { badRequest } from '../errors.js';
import { OutboundError } from '../outbound/outbound-fetch.js';
import { providerTools } from '../providers/resolve-provider.js';

/** An identity provider's metadata as text. Throws 400 saml_metadata_fetch_failed. */
export async function fetchMetadata(context: AuthContext, url: string): Promise<string> {
  try {
    const answer = await providerTools(context).untrusted(url, {
      headers: { accept: 'application/xml;charset=UTF-8' },
      signal: context.signal,
    });
    if (answer.status === 200) return await answer.text();
    throw new OutboundError(`HTTP ${answer.status} error`);
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    throw badRequest('saml_metadata_fetch_failed', `Fetching SAML Metadata failed: ${error.message}`);
  }
}
