import { ApiError, type ErrorCode, OAuthError } from '../errors.js';

/** OAuth's words for statuses (RFC 6749, 4.1.2.1). */
const words: Readonly<Record<number, string>> = {
  400: 'invalid_request',
  401: 'unauthorized_client',
  403: 'access_denied',
  500: 'server_error',
  503: 'temporarily_unavailable',
};

/** Whoever may not enter is refused, whatever the status says. */
const refusals: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'signup_disabled',
  'user_banned',
  'provider_email_needs_verification',
]);

/** What of an error a redirect tells: texts that are meant for people, never what is inside. */
export function errorParameters(thrown: unknown): Readonly<Record<string, string>> {
  if (thrown instanceof OAuthError) return { error: thrown.error, error_description: thrown.message };
  const error =
    thrown instanceof ApiError
      ? thrown
      : new ApiError({ status: 500, code: 'unexpected_failure', message: 'Unexpected failure, please try again' });
  return {
    error: refusals.has(error.code) ? 'access_denied' : (words[error.status] ?? 'server_error'),
    error_code: error.code,
    error_description: error.message,
  };
}

/** The URL with the error, in the query and in the fragment, where clients of the implicit flow look. `sb` says that it is from Auth. */
export function errorRedirect(target: string, thrown: unknown, options: { readonly fragment: boolean }): string {
  const url = new URL(target);
  const parameters = errorParameters(thrown);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  if (options.fragment) url.hash = new URLSearchParams({ ...parameters, sb: '' }).toString();
  return url.href;
}

/** The URL with the code of PKCE. */
export function codeRedirect(target: string, code: string): string {
  const url = new URL(target);
  url.searchParams.set('code', code);
  return url.href;
}

/** The URL with tokens in its fragment, which browsers do not send to servers. */
export function tokenRedirect(target: string, tokens: Readonly<Record<string, string | number>>): string {
  const [base] = target.split('#');
  const fragment = new URLSearchParams();
  for (const [name, value] of Object.entries(tokens)) fragment.set(name, String(value));
  fragment.set('sb', '');
  return `${base}#${fragment.toString()}`;
}
