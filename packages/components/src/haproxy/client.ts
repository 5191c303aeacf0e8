import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { httpUrl } from '../addresses.js';
import type { HaproxyClient, HaproxyRow } from '../clients.js';
import { refused, unexpectedAnswer, unreachable } from '../errors.js';
import { createHttpCaller } from '../http-call.js';

export interface HaproxyClientOptions {
  /** The statistics page, `http://127.0.0.1:7000`. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly timeoutMilliseconds?: number;
}

/** HAProxy's src/stats.c, stats_process_http_post. */
const actions = { 'agent-down': 'adown', 'agent-up': 'arunn', 'health-up': 'hrunn' } as const;

/** Reads HAProxy's statistics over HTTP, and marks servers where it may: in every HAProxy that the URL's name stands for. */
export function createHaproxyClient(options: HaproxyClientOptions): HaproxyClient {
  const http = createHttpCaller({ part: 'haproxy', ...options });

  async function post(url: string, form: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    const one = url === options.url ? http : createHttpCaller({ part: 'haproxy', ...options, url });
    const answer = await one.call({ method: 'POST', path: '/', form, signal });
    // The page answers with a redirection whose target says how it went.
    if (answer.status === 303 && answer.location?.includes('st=DONE')) return;
    const what = `POST / ${form.action} of ${form.b}/${form.s}`;
    throw refused('haproxy', url, what, answer.status, answer.location ?? answer.text.slice(0, 200));
  }

  return {
    url: options.url,
    async statistics(signal) {
      const { text } = await http.expect({ method: 'GET', path: '/;csv', signal });
      const rows = readStatistics(text);
      if (rows !== undefined) return rows;
      throw unexpectedAnswer('haproxy', options.url, 'GET /;csv', text.slice(0, 200));
    },
    async mark(backend, server, state, signal) {
      const form = { s: server, b: backend, action: actions[state] };
      const urls = await everyUrl(options.url, signal);
      // Every one of them is told, also when one does not answer.
      const outcomes = await Promise.allSettled(urls.map((url) => post(url, form, signal)));
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    },
  };
}

/** The URL with each address that its name has. */
async function everyUrl(url: string, signal: AbortSignal): Promise<readonly string[]> {
  const { hostname, port } = new URL(url);
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) return [url];
  signal.throwIfAborted();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  const addresses = await Promise.race([
    lookup(hostname, { all: true }).catch((error: unknown) => {
      throw unreachable('haproxy', url, error);
    }),
    aborted,
  ]);
  return addresses.map(({ address }) => httpUrl(address, Number(port)));
}

/** The CSV of HAProxy's management guide, 9.1: a header that begins with `# `, fields quoted where they hold commas. */
export function readStatistics(csv: string): readonly HaproxyRow[] | undefined {
  const [header, ...lines] = csv.split('\n').filter((line) => line !== '');
  if (header === undefined || !header.startsWith('# ')) return undefined;
  const names = splitLine(header.slice(2));
  return lines.map((line) => {
    const values = splitLine(line);
    const value = (name: string) => values[names.indexOf(name)] ?? '';
    return {
      proxy: value('pxname'),
      server: value('svname'),
      status: value('status'),
      currentSessions: Number(value('scur')),
      queued: Number(value('qcur')),
    };
  });
}

function splitLine(line: string): readonly string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  );
}
