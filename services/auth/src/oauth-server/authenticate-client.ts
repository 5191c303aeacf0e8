import type { FastifyRequest } from 'fastify';
import type { AuthContext } from '../context.js';
import { OAuthError } from '../errors.js';
import { headerOf } from '../http/client-address.js';
import { isUuid } from '../http/parse-body.js';
import { findOAuthClient, type OAuthClient } from '../store/oauth-clients.js';
import { isClientSecret } from './client-secret.js';

export interface ClientCredentials {
  readonly id: string;
  /** '' for none. */
  readonly secret: string;
}

const refused = (description: string) => new OAuthError('invalid_client', description, 401);

/** Who an application says it is, in the header or the body (RFC 6749, 2.3.1). Throws OAuthError invalid_client. */
export function readCredentials(authorization: string, body: Readonly<Record<string, string>>): ClientCredentials {
  const [, encoded] = /^Basic +(\S+)$/i.exec(authorization) ?? [];
  if (encoded !== undefined) {
    const [, id, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? [];
    if (id === undefined || secret === undefined) throw refused('invalid basic auth format');
    return { id, secret };
  }
  const { client_id: id = '', client_secret: secret = '' } = body;
  if (id === '') throw refused('client_id is required');
  return { id, secret };
}

/** The application that calls, proved by its secret unless it is public. Throws OAuthError invalid_client. */
export async function authenticateClient(
  request: FastifyRequest,
  context: AuthContext,
  body: Readonly<Record<string, string>>,
): Promise<OAuthClient> {
  const { id, secret } = readCredentials(headerOf(request, 'authorization'), body);
  if (!isUuid(id)) throw refused('invalid client_id format');
  const [client] = await context.read(findOAuthClient(id));
  if (client === undefined) throw refused('invalid client credentials');
  if (client.client_type === 'public') {
    if (secret !== '') throw refused('public clients must not provide client_secret');
    return client;
  }
  if (secret === '') throw refused('confidential clients must provide client_secret');
  if (!isClientSecret(secret, client.client_secret_hash ?? '')) throw refused('invalid client credentials');
  return client;
}
