import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canRunPostgres, openShop, type Shop, tokenOf } from './support/shop.js';

/** Pieces of requests that mean something, so that much of what is made of them gets as far as the database. */
const pieces = fc.constantFrom(
  ...['id', 'name', 'price', 'tags', 'detail', 'makers', 'labels', 'items', 'shout', 'count', 'nothing'],
  ...['eq', 'neq', 'in', 'is', 'fts', 'like', 'cs', 'not', 'null', 'any', 'and', 'or', 'asc', 'desc', 'nullslast'],
  ...[
    'sum()',
    'count()',
    '(',
    ')',
    '()',
    '.',
    ',',
    ':',
    '::',
    '->',
    '->>',
    '!',
    '!inner',
    '...',
    '*',
    '"',
    '\\',
    '{',
    '}',
  ],
  ...['1', '-1', '0', '2147483648', 'text', 'int', 'e\u0301', '\u{1f600}', ' ', '\0', '%', "'", ';'],
);
const value = fc.array(pieces, { maxLength: 8 }).map((parts) => encodeURIComponent(parts.join('')));
const wellFormed = fc.constantFrom(
  '*',
  'id,name',
  'id,makers(name)',
  'makers(*,items(id))',
  '...makers(name)',
  'price.sum()',
);
const parameter = fc.oneof(
  fc.oneof(wellFormed, value).map((text) => `select=${text}`),
  value.map((text) => `id=${text}`),
  fc.tuple(value, value).map(([name, text]) => `${name}=${text}`),
  fc
    .tuple(fc.constantFrom('eq', 'in', 'like', 'cs', 'is', 'fts', 'ov'), value)
    .map(([op, text]) => `name=${op}.${text}`),
  value.map((text) => `or=(${text})`),
  fc.oneof(fc.constant('id.desc'), value).map((text) => `order=${text}`),
  fc.oneof(fc.constantFrom('0', '1', '-1', '99999999999999999999'), value).map((text) => `limit=${text}`),
  value.map((text) => `columns=${text}`),
  value.map((text) => `on_conflict=${text}`),
);
const headers = fc.record(
  {
    Prefer: fc.constantFrom(
      'return=representation',
      'count=exact',
      'count=planned',
      'resolution=merge-duplicates',
      'x',
    ),
    Accept: fc.constantFrom(
      '*/*',
      'text/csv',
      'application/vnd.pgrst.object+json',
      'application/vnd.pgrst.plan',
      ';;',
      'a/b',
    ),
    'Content-Type': fc.constantFrom('application/json', 'text/csv', 'application/x-www-form-urlencoded', 'text/plain'),
    Range: fc.constantFrom('0-1', '5-', '9-0', 'x'),
  },
  { requiredKeys: [] },
);
const request = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'POST', 'PATCH', 'DELETE', 'PUT', 'OPTIONS', 'HEAD'),
  path: fc.oneof(
    fc.constantFrom('items', 'makers', 'labels', 'rpc/add', 'rpc/items_of', 'rpc/total', 'rpc/echo', ''),
    value,
  ),
  query: fc.array(parameter, { maxLength: 4 }),
  headers,
  body: fc.oneof(fc.json(), fc.constantFrom('', '{}', '[]', '[{"name":"x"}]', '{"a":1}', 'a,b\n1,2'), fc.string()),
});

describe.runIf(canRunPostgres)('whatever is asked', () => {
  let shop: Shop;
  let token: string;

  beforeAll(async () => {
    shop = await openShop({ aggregatesEnabled: true, planEnabled: true, transactionEnd: 'rollback' });
    token = await tokenOf('customer');
  });

  afterAll(async () => {
    await shop[Symbol.asyncDispose]();
  });

  it('is answered, and never with a fault of the service', async () => {
    await fc.assert(
      fc.asyncProperty(request, async ({ method, path, query, headers: given, body }) => {
        const hasBody = method !== 'GET' && method !== 'HEAD';
        const answer = await fetch(`${shop.url}/${path}?${query.join('&')}`, {
          method,
          headers: { ...given, Authorization: `Bearer ${token}` },
          ...(hasBody ? { body } : {}),
        });
        const text = await answer.text();
        expect(answer.status, text).toBeLessThan(500);
        if (answer.headers.get('content-type')?.startsWith('application/json') === true && text !== '')
          JSON.parse(text);
      }),
      { numRuns: Number(process.env.HOLDFAST_FUZZ_RUNS ?? 2000), endOnFailure: true, includeErrorInReport: true },
    );
  });
});
