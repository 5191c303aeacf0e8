import { isRedirectAllowed, type RedirectSettings } from '../redirects/resolve-redirect.js';
import type { Chain, SignInMessage } from './sign-in-message.js';

/** How old, or how far ahead, a message may be. Milliseconds; GoTrue's ten minutes. */
const validity = 10 * 60 * 1000;

/** Why a message that is signed does not sign anybody in here and now, in GoTrue's words; undefined: it does. */
export function judgeMessage(
  chain: Chain,
  message: SignInMessage,
  settings: RedirectSettings,
  now: Date,
): string | undefined {
  const name = chain === 'solana' ? 'Solana' : 'Ethereum';
  const uri = new URL(message.uri);
  const local = uri.hostname === 'localhost';
  if (uri.protocol !== 'https:' && !local) return `Signed ${name} message is using URI which does not use HTTPS`;
  if (!isRedirectAllowed(message.uri, settings)) {
    return `Signed ${name} message is using URI which is not allowed on this server, message was signed for another app`;
  }
  if (!local && (uri.host !== message.domain || !isRedirectAllowed(`https://${message.domain}/`, settings))) {
    return `Signed ${name} message is using a Domain that does not match the one in URI which is not allowed on this server`;
  }
  const time = now.getTime();
  if (message.notBefore !== undefined && time < message.notBefore.getTime()) {
    return `Signed ${name} message becomes valid in the future`;
  }
  if (message.expirationTime !== undefined && time > message.expirationTime.getTime()) {
    return `Signed ${name} message is expired`;
  }
  if (time > message.issuedAt.getTime() + validity) return `${name} message was issued too long ago`;
  if (time < message.issuedAt.getTime() - validity) return `${name} message was issued too far in the future`;
  return undefined;
}
