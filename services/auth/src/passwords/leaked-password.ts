import { createHash } from 'node:crypto';
import { timeLimit } from '@holdfast/spec';

/**
 * Whether the password is among those that were leaked. Only five hex digits of its SHA-1 leave this machine (haveibeenpwned.com, API v3, range
 * search). Throws when the service does not answer within 5 s.
 */
export async function isLeaked(password: string, url: string, signal: AbortSignal): Promise<boolean> {
  const digest = createHash('sha1').update(password).digest('hex').toUpperCase();
  const response = await fetch(`${url}/range/${digest.slice(0, 5)}`, {
    headers: { 'user-agent': 'holdfast-auth', 'add-padding': 'true' },
    redirect: 'error',
    signal: timeLimit(signal, 5000),
  });
  if (response.status !== 200) throw new Error(`the service answered ${response.status}`);
  return (await response.text()).split(/\r?\n/).some((line) => {
    const [suffix, count] = line.split(':');
    return suffix === digest.slice(5) && count !== '0';
  });
}
