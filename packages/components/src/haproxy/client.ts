import type { HaproxyClient, HaproxyRow } from '../clients.js';
import { unexpectedAnswer } from '../errors.js';
import { createHttpCaller } from '../http-call.js';

export interface HaproxyClientOptions {
  /** The statistics page, `http://127.0.0.1:7000`. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly timeoutMilliseconds?: number;
}

/** Reads HAProxy's statistics over HTTP. */
export function createHaproxyClient(options: HaproxyClientOptions): HaproxyClient {
  const http = createHttpCaller({ part: 'haproxy', ...options });
  return {
    url: options.url,
    async statistics(signal) {
      const { text } = await http.expect({ method: 'GET', path: '/;csv', signal });
      const rows = readStatistics(text);
      if (rows !== undefined) return rows;
      throw unexpectedAnswer('haproxy', options.url, 'GET /;csv', text.slice(0, 200));
    },
  };
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
