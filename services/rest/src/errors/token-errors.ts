import { RestError } from './rest-error.js';

/** PGRST300: a token came, but no secret or key is known. */
export function noJwtSecret(): RestError {
  return new RestError({ status: 500, code: 'PGRST300', message: 'Server lacks JWT secret' });
}

/** PGRST301: what came is no token, or its signature does not hold. */
export function tokenUndecodable(message: string, details?: string): RestError {
  return invalidToken('PGRST301', message, details);
}

/** PGRST302 */
export function anonymousDisabled(): RestError {
  return new RestError({
    status: 401,
    code: 'PGRST302',
    message: 'Anonymous access is disabled',
    headers: [['WWW-Authenticate', 'Bearer']],
  });
}

/** PGRST303: the signature holds, but a claim forbids the token. */
export function claimsRejected(message: string): RestError {
  return invalidToken('PGRST303', message);
}

/** The challenge as RFC 6750 (3) words it. */
function invalidToken(code: string, message: string, details?: string): RestError {
  const description = message.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  return new RestError({
    status: 401,
    code,
    message,
    details: details ?? null,
    headers: [['WWW-Authenticate', `Bearer error="invalid_token", error_description="${description}"`]],
  });
}
