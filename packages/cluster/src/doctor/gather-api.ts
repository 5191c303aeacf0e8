import { connectHost, httpUrl } from '@holdfast/components';
import { timeLimit } from '@holdfast/spec';
import type { ClusterContext } from '../context.js';
import { readKeys } from '../state/keys-file.js';
import type { ApiFacts } from './check-api.js';

const patienceMilliseconds = 4000;

/** Asks the API as an application would, with reads alone; undefined: there is none. */
export async function gatherApi(
  { spec, stateDirectory }: Pick<ClusterContext, 'spec' | 'stateDirectory'>,
  signal: AbortSignal,
): Promise<ApiFacts | undefined> {
  const { api } = spec;
  if (!api.enabled) return undefined;
  const url = httpUrl(connectHost(api.host), api.port);
  const ask = async (path: string, headers: Readonly<Record<string, string>> = {}) =>
    await fetch(`${url}${path}`, { headers, redirect: 'manual', signal: timeLimit(signal, patienceMilliseconds) });
  const health = await ask('/health').catch(() => undefined);
  if (health === undefined) return { url, answer: 'none', clockSeconds: undefined, keys: {} };
  const now = Date.now();
  const services = servicesIn(await health.text().catch(() => ''));
  if (services === undefined) return { url, answer: 'something else', clockSeconds: undefined, keys: {} };
  const sent = Date.parse(health.headers.get('date') ?? '');
  const material = await readKeys(stateDirectory).catch(() => undefined);
  const verdict = async (apikey: string | undefined, path: string) => {
    if (apikey === undefined) return undefined;
    const answer = await ask(path, { apikey }).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer === undefined || answer.status >= 500) return undefined;
    return answer.status === 401 || answer.status === 403 ? 'refused' : 'accepted';
  };
  const [publishable, secret] = await Promise.all([
    verdict(material?.publishable.current.value, '/auth/v1/settings'),
    // Auth itself looks at the token that stands for the key.
    verdict(material?.secret.current.value, '/auth/v1/admin/users?page=1&per_page=1'),
  ]);
  const clockSeconds = Number.isNaN(sent) ? undefined : (sent - now) / 1000;
  return { url, answer: services, clockSeconds, keys: { publishable, secret } };
}

/** services/gateway/src/health.ts */
function servicesIn(text: string): Readonly<Record<string, string>> | undefined {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== 'object' || body === null || !('services' in body)) return undefined;
    const { services } = body;
    if (typeof services !== 'object' || services === null) return undefined;
    return Object.fromEntries(Object.entries(services).map(([name, state]) => [name, String(state)]));
  } catch {
    return undefined;
  }
}
