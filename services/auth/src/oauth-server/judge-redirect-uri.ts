/** Schemes that run code, or read files, in whoever follows them. */
const dangerous = new Set(['javascript:', 'data:', 'file:', 'vbscript:', 'about:', 'blob:']);

/**
 * Why a redirect URI cannot be registered; undefined: it can (RFC 6749, 3.1.2; OAuth 2.1, 2.3). Applications' own schemes are welcome, plain HTTP
 * only on the user's machine.
 */
export function judgeRedirectUri(uri: string): string | undefined {
  if (uri === '') return 'redirect URI cannot be empty';
  if (uri.length > 2048) return 'redirect URI cannot exceed 2048 characters';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: browsers strip them, so that the rest means another place
  if (/[\x00-\x20\x7f\\]/.test(uri)) return 'invalid URL format';
  // They are stored with commas between.
  if (uri.includes(',')) return 'comma not allowed in redirect URI';
  if (uri.includes('#')) return 'fragment not allowed in redirect URI';
  if (!URL.canParse(uri)) return 'invalid URL format';
  const url = new URL(uri);
  if (dangerous.has(url.protocol)) return `scheme '${url.protocol.slice(0, -1)}' is not allowed for security reasons`;
  if (url.host === '') return 'must have scheme and host';
  if (url.username !== '' || url.password !== '') return 'user name and password not allowed in redirect URI';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol === 'http:' && host !== 'localhost' && host !== '127.0.0.1' && host !== '::1') {
    return 'HTTP scheme only allowed for localhost';
  }
  return undefined;
}
