import type { ApiError } from '../errors.js';

/** OAuth's words for statuses (RFC 6749, 4.1.2.1). */
const words: Readonly<Record<number, string>> = {
  400: 'invalid_request',
  401: 'unauthorized_client',
  403: 'access_denied',
  500: 'server_error',
  503: 'temporarily_unavailable',
};

/** To the application with tokens in the fragment, which browsers do not send to servers. */
export function tokensRedirect(target: string, values: Readonly<Record<string, string | number>>): string {
  return withFragment(target, values);
}

/** With the code of PKCE in the query. */
export function codeRedirect(target: string, code: string): string {
  return withQuery(target, { code });
}

export function messageRedirect(target: string, message: string, pkce: boolean): string {
  return withFragment(pkce ? withQuery(target, { message }) : target, { message });
}

export function errorRedirect(target: string, error: ApiError, pkce: boolean): string {
  const word = words[error.status];
  const values = {
    ...(word === undefined ? {} : { error: word }),
    error_code: error.code,
    error_description: error.message,
  };
  return withFragment(pkce ? withQuery(target, values) : target, values);
}

function withQuery(target: string, values: Readonly<Record<string, string>>): string {
  const [base = '', fragment] = target.split('#', 2);
  const [path = '', query = ''] = base.split(/\?(.*)/s, 2);
  const parameters = new URLSearchParams(query);
  for (const [name, value] of Object.entries(values)) parameters.set(name, value);
  return `${path}?${parameters.toString()}${fragment === undefined ? '' : `#${fragment}`}`;
}

function withFragment(target: string, values: Readonly<Record<string, string | number>>): string {
  const [base = ''] = target.split('#', 1);
  const texts = Object.entries(values).map(([name, value]): [string, string] => [name, String(value)]);
  return `${base}#${new URLSearchParams(texts).toString()}`;
}
