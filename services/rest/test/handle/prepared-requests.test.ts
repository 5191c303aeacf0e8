import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RestError } from '../../src/errors/rest-error.js';
import { prepareRequest } from '../../src/handle/prepare-request.js';
import type { PreparedRequest } from '../../src/handle/prepared-request.js';
import { PreparedRequests } from '../../src/handle/prepared-requests.js';
import { type HttpRequest, parseBodyOf, parseHead } from '../../src/request/api-request.js';
import { splitPairs } from '../../src/request/query-string.js';
import { fillSlots } from '../../src/request/slot.js';
import type { LoadedSchema } from '../../src/schema-cache/watch-schema-cache.js';
import { defaultSettings } from '../../src/settings.js';
import { cacheOf, column, manyToOne, parameter, routine, table } from '../support/schema-builder.js';

const text = { type: 'text', baseType: 'text' };
const items = table('items', [column('id'), column('name', text), column('maker_id')], { primaryKey: ['id'] });
const makers = table('makers', [column('id'), column('name', text)], { primaryKey: ['id'] });
const schemaCache = cacheOf({
  tables: [items, makers],
  relationships: [manyToOne('items', 'makers', 'items_maker_id_fkey', [['maker_id', 'id']])],
  routines: [
    routine('add', [parameter('a'), parameter('b')]),
    routine('count_them', [parameter('list', 'integer[]')]),
    routine('whole', [parameter('', 'json')]),
  ],
});

function load(): LoadedSchema {
  return { settings: { ...defaultSettings, schemas: ['api'], maxRows: 100 }, roleSettings: new Map(), schemaCache };
}

const loaded = load();

function http(
  method: string,
  path: string,
  query: string,
  body = '',
  headers: Record<string, string> = {},
): HttpRequest {
  return { method, path, query, headers, body: Buffer.from(body) };
}

/** Everything of a prepared request that shows, or the code of its refusal. */
function shown(
  make: () => { readonly prepared: PreparedRequest; readonly values: readonly (string | null)[] },
): unknown {
  try {
    const { prepared, values } = make();
    const { main, estimate, media, access, repeatable, routine: called } = prepared;
    const filled = (of: typeof main | undefined) =>
      of === undefined ? undefined : { text: of.text, values: fillSlots(of.values, values) };
    const answer = (rows: number) =>
      prepared.answer(
        {
          kind: 'rows',
          total: undefined,
          count: rows,
          body: '[]',
          headers: undefined,
          status: undefined,
          inserted: rows,
          location: undefined,
          estimate: undefined,
        },
        [['id', 'eq.1']],
      );
    const answered = media.handler.kind === 'json' && media.handler.single ? answer(1) : answer(2);
    return { main: filled(main), estimate: filled(estimate), media, access, repeatable, called, answered };
  } catch (error) {
    if (error instanceof RestError) return error.body;
    throw error;
  }
}

const remembering = (requests: PreparedRequests, request: HttpRequest, schema = loaded) =>
  shown(() => {
    const { prepared, given } = requests.prepare(requests.understand(request, schema), request.headers.accept, schema);
    return { prepared, values: given.values };
  });

const alone = (request: HttpRequest) =>
  shown(() => {
    const head = parseHead(request, splitPairs(request.query), loaded.settings, schemaCache.timeZones);
    const whole = { ...head, body: parseBodyOf(head, request.body) };
    return { prepared: prepareRequest({ request: whole, accept: request.headers.accept, loaded }), values: [] };
  });

const value = fc.oneof(
  fc.constantFrom('1', '', '*x*', 'eq.1', '$1', 'null', `it's`, '(1,2)', '{1,2}', '"a"', '%00', '%2526', '+', 'é'),
  fc.integer().map(String),
);
const filterParameter = fc
  .tuple(
    fc.constantFrom('id', 'name', 'i%64', 'makers.name', 'nobody', 'a', 'info->>x'),
    fc.constantFrom(
      ...['eq.', 'neq.', 'gt.', 'like.', 'ilike.', 'match.', 'not.eq.', 'eq(any).', 'fts.', 'e%71.', 'cs.', ''],
    ),
    value,
  )
  .map(([name, operator, of]) => `${name}=${operator}${of}`);
const parameter_ = fc.oneof(
  { weight: 3, arbitrary: filterParameter },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...['select=id,name', 'select=*,makers(name)', 'select=id,makers!inner(name)', 'order=id.desc', 'order=name'],
      ...['limit=5', 'limit=-1', 'offset=3', 'or=(id.eq.1,name.eq.x)', 'id=in.(1,2)', 'id=is.null', 'id=not.is.null'],
      ...['columns=id', 'on_conflict=name', 'select', 'id', 'makers.limit=1', 'limit=eq.5', 'select=eq.5'],
    ),
  },
);
const body = fc.constantFrom(
  ...['', '{}', '[]', '{"id":1,"name":"x"}', '{"id":2,"name":"y"}', '{"name":"x","id":1}', '[{"id":1},{"id":2}]'],
  ...['{"a":1,"b":2}', '{"a":3,"b":null}', '{"a":1e2,"b":1}', '{"a": 1,"b":2}', '{"list":[1,2]}', 'null', '{'],
  ...['a=1&b=2', 'id,name\n1,x'],
);
const headers = fc.record(
  {
    accept: fc.constantFrom('application/json', 'text/csv', 'application/vnd.pgrst.object+json', 'x/y'),
    prefer: fc.constantFrom(
      ...['return=representation', 'return=minimal', 'count=exact', 'count=planned', 'count=estimated'],
      ...[
        'resolution=merge-duplicates',
        'handling=strict,nonsense',
        'missing=default',
        'handling=strict,max-affected=1',
      ],
    ),
    range: fc.constantFrom('0-1', '5-'),
    'content-type': fc.constantFrom('application/json', 'text/csv', 'application/x-www-form-urlencoded', 'text/plain'),
    'content-profile': fc.constantFrom('api', 'other'),
  },
  { requiredKeys: [] },
);
const request = fc
  .record({
    method: fc.constantFrom('GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE'),
    path: fc.constantFrom('/items', '/makers', '/nobody', '/rpc/add', '/rpc/count_them', '/rpc/whole'),
    parameters: fc.array(parameter_, { maxLength: 4 }),
    body,
    headers,
  })
  .map(({ method, path, parameters, body: sent, headers: given }) =>
    http(method, path, parameters.join('&'), sent, given as Record<string, string>),
  );

describe('prepared requests', () => {
  it('are what they would be if nothing were remembered', () => {
    const requests = new PreparedRequests();
    fc.assert(
      fc.property(request, (each) => {
        const expected = alone(each);
        expect(remembering(requests, each)).toEqual(expected);
        expect(remembering(requests, each)).toEqual(expected);
      }),
      { numRuns: 3000 },
    );
  });

  const prepared = (requests: PreparedRequests, each: HttpRequest, schema = loaded) =>
    requests.prepare(requests.understand(each, schema), undefined, schema);

  it('are one for requests that differ in values', () => {
    const requests = new PreparedRequests();
    const first = prepared(requests, http('GET', '/items', 'id=eq.1&name=like.a*'));
    const second = prepared(requests, http('GET', '/items', 'id=eq.2&name=like.b*'));
    expect(second.prepared).toBe(first.prepared);
    expect([first.given.values, second.given.values]).toEqual([
      ['1', 'a%'],
      ['2', 'b%'],
    ]);
    const call = prepared(requests, http('POST', '/rpc/add', '', '{"a":1,"b":2}'));
    const again = prepared(requests, http('POST', '/rpc/add', '', '{"a":3,"b":null}'));
    expect(again.prepared).toBe(call.prepared);
    expect(again.given.values).toEqual(['{"a":3,"b":null}', '3', null]);
  });

  it('are others for another filter, header, body or schema', () => {
    const requests = new PreparedRequests();
    const all = [
      http('GET', '/items', 'id=eq.1'),
      http('HEAD', '/items', 'id=eq.1'),
      http('GET', '/items', 'id=gt.1'),
      http('GET', '/items', 'name=eq.1'),
      http('GET', '/items', 'id=eq.1', '', { prefer: 'count=exact' }),
      http('GET', '/items', 'id=eq.1', '', { accept: 'text/csv' }),
      http('POST', '/items', '', '{"id":1}'),
      http('POST', '/items', '', '[{"id":1}]'),
      http('POST', '/items', '', '{"id":1,"name":"x"}'),
    ];
    expect(new Set(all.map((each) => prepared(requests, each).prepared)).size).toBe(all.length);
    const [one] = all;
    if (one === undefined) throw new Error('no request');
    const known = prepared(requests, one).prepared;
    expect(prepared(requests, one).prepared).toBe(known);
    expect(prepared(requests, one, load()).prepared).not.toBe(known);
  });

  it.each([
    'offset=5',
    'or=(id.eq.1,id.eq.2)',
    'id=in.(1,2)',
    'id=not.eq.5',
    'id=eq(any).{1}',
    `select=${'id,'.repeat(800)}id`,
  ])('remember nothing of %s, which does not come back', (query) => {
    const requests = new PreparedRequests();
    const [one, other] = [1, 2].map(() => prepared(requests, http('GET', '/items', query)));
    expect(other?.prepared).not.toBe(one?.prepared);
  });
});
