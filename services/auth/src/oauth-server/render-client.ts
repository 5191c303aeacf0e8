import type { OAuthClient } from '../store/oauth-clients.js';

type Json = Readonly<Record<string, unknown>>;

/** A client for administrators and for itself. The secret is shown when it was just made, and never again. */
export function renderClient(client: OAuthClient, secret?: string): Json {
  return {
    client_id: client.id,
    ...(secret === undefined ? {} : { client_secret: secret }),
    client_type: client.client_type,
    redirect_uris: client.redirect_uris,
    token_endpoint_auth_method: client.token_endpoint_auth_method,
    grant_types: client.grant_types,
    response_types: ['code'],
    ...(client.client_name === null ? {} : { client_name: client.client_name }),
    ...(client.client_uri === null ? {} : { client_uri: client.client_uri }),
    ...(client.logo_uri === null ? {} : { logo_uri: client.logo_uri }),
    registration_type: client.registration_type,
    created_at: client.created_at,
    updated_at: client.updated_at,
  };
}

/** A client as the user who is asked for consent sees it. */
export function renderClientForUser(client: OAuthClient): Json {
  return {
    id: client.id,
    name: client.client_name ?? '',
    uri: client.client_uri ?? '',
    logo_uri: client.logo_uri ?? '',
  };
}
