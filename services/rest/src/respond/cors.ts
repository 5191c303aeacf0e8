import type { Answer, Header } from './answer.js';

/** Headers of the answer that a page of another origin may read. */
const exposed =
  'Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server, Transfer-Encoding, Range-Unit';

const methods = 'GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD';
const simpleHeaders = 'Accept, Accept-Language, Content-Language';

/** What the Fetch standard wants to see beside an answer to a page; without an Origin nothing. @param allowed null: every origin. */
export function corsHeaders(origin: string | undefined, allowed: readonly string[] | null): readonly Header[] {
  if (origin === undefined || (allowed !== null && !allowed.includes(origin))) return [];
  const own: readonly Header[] =
    allowed === null
      ? [['Access-Control-Allow-Origin', '*']]
      : [
          ['Access-Control-Allow-Origin', origin],
          ['Vary', 'Origin'],
        ];
  return [...own, ['Access-Control-Expose-Headers', exposed]];
}

/** The answer to a browser that asks whether it may send a request; undefined: this is no such question. */
export function preflight(
  method: string,
  headers: Readonly<Record<string, string>>,
  allowed: readonly string[] | null,
): Answer | undefined {
  const { origin } = headers;
  if (method !== 'OPTIONS' || origin === undefined || headers['access-control-request-method'] === undefined) {
    return undefined;
  }
  if (allowed !== null && !allowed.includes(origin)) return undefined;
  const wanted = (headers['access-control-request-headers'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => /^[\w-]+$/.test(name));
  const [allow] = corsHeaders(origin, allowed);
  return {
    status: 200,
    headers: [
      ...(allow === undefined ? [] : [allow]),
      ['Access-Control-Allow-Methods', methods],
      ['Access-Control-Allow-Headers', ['Authorization', ...wanted, simpleHeaders].join(', ')],
      ['Access-Control-Max-Age', '86400'],
    ],
    body: '',
  };
}
