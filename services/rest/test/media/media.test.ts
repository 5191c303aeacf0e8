import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseMedia, chooseOpenApi } from '../../src/media/choose-media.js';
import { contentTypeOf, parseMediaType, showMediaType } from '../../src/media/media-type.js';
import { parseAccept } from '../../src/media/parse-accept.js';
import type { CustomMediaHandler } from '../../src/schema-cache/types.js';
import { thrown } from '../support/thrown.js';

const shown = (accept: string | undefined) => parseAccept(accept).map(showMediaType);

describe('an Accept header', () => {
  test.each<[string | undefined, string[]]>([
    [undefined, ['*/*']],
    ['text/csv', ['text/csv']],
    ['text/csv;q=0.5, application/json', ['application/json', 'text/csv']],
    ['*/*, text/csv', ['text/csv', '*/*']],
    ['text/html,application/xhtml+xml,*/*;q=0.8', ['text/html', 'application/xhtml+xml', '*/*']],
    ['text/csv; q=nonsense', ['text/csv']],
    ['APPLICATION/JSON', ['application/json']],
    ['application/vnd.pgrst.array+json', ['application/json']],
  ])('%j means %j', (accept, types) => {
    expect(shown(accept)).toEqual(types);
  });

  test('may be any text', () => {
    fc.assert(fc.property(fc.string(), (text) => parseAccept(text).length > 0));
  });
});

describe('a media type', () => {
  test.each([
    ['application/json', 'application/json; charset=utf-8'],
    ['application/octet-stream', 'application/octet-stream'],
    ['image/png', 'image/png'],
    ['application/vnd.pgrst.object', 'application/vnd.pgrst.object+json; charset=utf-8'],
    [
      'application/vnd.pgrst.object+json;nulls=stripped',
      'application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8',
    ],
    [
      'application/vnd.pgrst.array+json;nulls=stripped',
      'application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8',
    ],
    ['application/vnd.pgrst.plan', 'application/vnd.pgrst.plan+text; for="application/json"; charset=utf-8'],
    [
      'application/vnd.pgrst.plan+json; for="text/csv"; options=wal|analyze|nonsense',
      'application/vnd.pgrst.plan+json; for="text/csv"; options=analyze|wal; charset=utf-8',
    ],
  ])('%s is %s in the answer', (text, header) => {
    expect(contentTypeOf(parseMediaType(text))).toBe(header);
  });
});

describe('the media type of an answer', () => {
  const relation = { schema: 'api', name: 'lines' };
  const handler = (change: Partial<CustomMediaHandler>): CustomMediaHandler => ({
    kind: 'aggregate',
    function: { schema: 'api', name: 'to_tiles' },
    target: relation,
    mediaType: 'application/vnd.twkb',
    isAny: false,
    ...change,
  });
  const choose = (
    accept: string | undefined,
    { handlers = [] as readonly CustomMediaHandler[], whole = true, planEnabled = false } = {},
  ) => chooseMedia(accept, { cache: { mediaHandlers: handlers }, relation, defaultSelect: whole, planEnabled });

  test.each<[string | undefined, unknown, string]>([
    [undefined, { kind: 'json', stripNulls: false, single: false }, 'application/json; charset=utf-8'],
    ['text/csv', { kind: 'csv' }, 'text/csv; charset=utf-8'],
    ['application/geo+json', { kind: 'geojson' }, 'application/geo+json; charset=utf-8'],
    ['text/html, */*;q=0.1', { kind: 'json', stripNulls: false, single: false }, 'application/json; charset=utf-8'],
    [
      'application/vnd.pgrst.object+json',
      { kind: 'json', stripNulls: false, single: true },
      'application/vnd.pgrst.object+json; charset=utf-8',
    ],
  ])('for %j', (accept, how, contentType) => {
    expect(choose(accept)).toEqual({ handler: how, contentType, plan: undefined });
  });

  test('is PGRST107 where nothing fits', async () => {
    const error = await thrown(() => choose('text/unknown, image/png'));
    expect([error.status, error.code]).toEqual([406, 'PGRST107']);
    expect(error.message).toBe('None of these media types are available: text/unknown, image/png');
  });

  test('may be one that the database makes, of whole rows only', async () => {
    const handlers = [handler({})];
    expect(choose('application/vnd.twkb', { handlers }).handler).toEqual({
      kind: 'custom',
      function: { schema: 'api', name: 'to_tiles' },
      target: relation,
    });
    expect((await thrown(() => choose('application/vnd.twkb', { handlers, whole: false }))).code).toBe('PGRST107');
    const other = [handler({ target: { schema: 'api', name: 'others' } })];
    expect((await thrown(() => choose('application/vnd.twkb', { handlers: other }))).code).toBe('PGRST107');
  });

  test('may be taken over by the database, also for anything', () => {
    const ofAnyRow = [handler({ target: null, mediaType: 'text/csv' })];
    expect(choose('text/csv', { handlers: ofAnyRow, whole: false }).handler.kind).toBe('custom');
    const anything = [handler({ mediaType: '*/*', isAny: true })];
    expect(choose('text/csv', { handlers: anything }).contentType).toBe('application/octet-stream');
    expect(choose('application/vnd.pgrst.object', { handlers: anything }).handler.kind).toBe('json');
  });

  test("may be a function's own", () => {
    const handlers = [handler({ kind: 'routine', mediaType: 'text/html' })];
    expect(choose('text/html', { handlers })).toMatchObject({ handler: { kind: 'value' }, contentType: 'text/html' });
  });

  test('may be its plan, where that is allowed', async () => {
    const accept = 'application/vnd.pgrst.plan+json; for="text/csv"; options=analyze';
    expect((await thrown(() => choose(accept))).code).toBe('PGRST107');
    expect(choose(accept, { planEnabled: true })).toMatchObject({
      handler: { kind: 'csv' },
      plan: { format: 'json', options: ['ANALYZE'] },
    });
  });
});

test('the root answers with OpenAPI to whoever takes JSON', async () => {
  for (const accept of [undefined, '*/*', 'application/json', 'text/html, application/openapi+json']) {
    expect(chooseOpenApi(accept)).toBe('application/openapi+json; charset=utf-8');
  }
  expect((await thrown(() => chooseOpenApi('text/csv'))).code).toBe('PGRST107');
});
