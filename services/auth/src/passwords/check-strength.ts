import type { AuthContext } from '../context.js';
import { internalError, weakPassword } from '../errors.js';
import type { AuthSettings } from '../settings/schema.js';
import { isLeaked } from './leaked-password.js';

export interface Weakness {
  readonly reason: 'length' | 'characters' | 'pwned';
  readonly message: string;
}

/** What the rules find wrong with a password, leaks apart. */
export function findWeaknesses(password: string, rules: AuthSettings['password']): readonly Weakness[] {
  const weaknesses: Weakness[] = [];
  if (Buffer.byteLength(password) < rules.minimumLength) {
    weaknesses.push({ reason: 'length', message: `Password should be at least ${rules.minimumLength} characters.` });
  }
  const lacks = rules.requiredCharacters.some(
    (set) => set !== '' && ![...set].some((character) => password.includes(character)),
  );
  if (lacks) {
    const sets = rules.requiredCharacters.join(', ');
    weaknesses.push({
      reason: 'characters',
      message: `Password should contain at least one character of each: ${sets}.`,
    });
  }
  return weaknesses;
}

/** 422 weak_password with its reasons. */
export async function checkPasswordStrength(context: AuthContext, password: string): Promise<void> {
  const weaknesses = [...findWeaknesses(password, context.settings.password)];
  const { enabled, url, failClosed } = context.settings.password.leaked;
  if (enabled) {
    const leaked = await isLeaked(password, url, context.signal).catch((error: unknown) => {
      if (failClosed) throw internalError('Unable to perform password strength check with HaveIBeenPwned.org.', error);
      context.log.warn('The service that knows leaked passwords did not answer; the password is let through');
      return false;
    });
    if (leaked) {
      const message = 'Password is known to be weak and easy to guess, please choose a different one.';
      weaknesses.push({ reason: 'pwned', message });
    }
  }
  if (weaknesses.length === 0) return;
  throw weakPassword(
    weaknesses.map(({ message }) => message).join(' '),
    weaknesses.map(({ reason }) => reason),
  );
}
