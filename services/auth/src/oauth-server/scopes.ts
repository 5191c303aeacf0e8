/** What applications may ask for (supabase/auth, internal/models/oauth_scope.go). */
export const supportedScopes = ['openid', 'profile', 'email', 'phone', 'offline_access'] as const;

export function parseScopes(text: string): readonly string[] {
  return [...new Set(text.split(' ').filter((scope) => scope !== ''))];
}

/** The first that is not supported. */
export function unsupportedScope(scopes: readonly string[]): string | undefined {
  return scopes.find((scope) => !(supportedScopes as readonly string[]).includes(scope));
}

export function coversScopes(granted: string, requested: string): boolean {
  const known = parseScopes(granted);
  return parseScopes(requested).every((scope) => known.includes(scope));
}
