import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RestError } from '../../src/errors/rest-error.js';
import { parseBody } from '../../src/request/body.js';
import { csvToJson, parseCsv } from '../../src/request/csv.js';

const table = { forRoutine: false, hasColumns: false };
const json = (text: string, more: Partial<Parameters<typeof parseBody>[1]> = {}) =>
  parseBody(Buffer.from(text), { contentType: 'application/json', ...table, ...more });

describe('JSON bodies', () => {
  it('go on as they came, with their keys', () => {
    const text = ' {"a": 1, "b": 12345678901234567890}';
    expect(json(text)).toEqual({ kind: 'json', text, isObject: true, keys: new Set(['a', 'b']) });
    expect(json('[{"a":1},{"a":2}]')).toMatchObject({ isObject: false, keys: new Set(['a']) });
    expect(json('[]')).toMatchObject({ isObject: false, keys: new Set() });
    expect(json('3')).toMatchObject({ text: '[]', keys: new Set() });
  });

  it('need the same keys in all objects, unless the columns are named', () => {
    for (const text of ['[{"a":1},{"b":1}]', '[{"a":1},{"a":1,"b":1}]', '[{"a":1},3]', '[1]']) {
      expect(() => json(text)).toThrow('All object keys must match');
      expect(json(text, { hasColumns: true })).toMatchObject({ text, keys: undefined, isObject: false });
    }
  });

  it('must be JSON; an empty one is no arguments', () => {
    for (const text of ['', '}{', '{"a":']) expect(() => json(text)).toThrow('Empty or invalid json');
    expect(json('', { forRoutine: true })).toMatchObject({ text: '{}', isObject: true });
  });
});

describe("a function's object", () => {
  const scalars = (text: string) => {
    const body = json(text, { forRoutine: true });
    return body.kind === 'json' ? body.scalars : undefined;
  };

  it('of scalars tells them as PostgreSQL reads them', () => {
    const text = '{"a":1,"b":"x\\"\\n","c":null,"d":true,"e":-0.5,"f":1e+21,"g":""}';
    const expected = { a: '1', b: 'x"\n', c: null, d: 'true', e: '-0.5', f: '1e+21', g: '' };
    expect(scalars(text)).toEqual(new Map(Object.entries(expected)));
  });

  it('that is written in another way than JSON.stringify writes, or holds more than scalars, does not', () => {
    const others = ['{"a": 1}', '{"a":1.0}', '{"a":1e2}', '{"a":-0}', '{"a":12345678901234567890}', '{"a":1,"a":2}'];
    const refused = ['{"a":"\\u0000"}', '{"a":"\\ud800"}'];
    const deeper = ['{"a":[1]}', '{"a":{}}', '[{"a":1}]', `{"a":"${'x'.repeat(5000)}"}`];
    for (const text of [...others, ...refused, ...deeper]) expect(scalars(text)).toBeUndefined();
    expect(json('{"a":1}')).not.toHaveProperty('scalars', expect.anything());
  });
});

describe('other bodies', () => {
  const parse = (contentType: string, text: string, forRoutine = false) =>
    parseBody(Buffer.from(text), { contentType, forRoutine, hasColumns: false });

  it('are forms, plain text and bytes', () => {
    expect(parse('application/x-www-form-urlencoded', 'a=1+2&b=%22')).toMatchObject({ text: '{"a":"1 2","b":"\\""}' });
    expect(parse('application/x-www-form-urlencoded', 'a=1&a=2', true)).toEqual({
      kind: 'form',
      pairs: [
        ['a', '1'],
        ['a', '2'],
      ],
    });
    expect(parse('text/plain', 'x', true)).toEqual({ kind: 'raw', bytes: Buffer.from('x') });
    expect(() => parse('text/plain', 'x')).toThrow('Content-Type not acceptable: text/plain');
  });

  it('are CSV, in which NULL is null', () => {
    expect(csvToJson('a,b\nNULL,foo\n')).toEqual({ json: '[{"a":null,"b":"foo"}]', keys: ['a', 'b'] });
    expect(csvToJson('a\n"x, ""y""\n"\n').json).toBe('[{"a":"x, \\"y\\"\\n"}]');
    expect(() => csvToJson('a,b\n1\n')).toThrow('All lines must have same number of fields');
    expect(() => csvToJson('a\n"x')).toThrow(RestError);
  });

  it('give CSV back', () => {
    const fields = fc.array(fc.string({ unit: 'grapheme' }), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(fields, { minLength: 1 }), fc.constantFrom('\n', '\r\n'), (records, end) => {
        const written = records.map((record) => record.map((text) => `"${text.replaceAll('"', '""')}"`).join(','));
        expect(parseCsv(written.join(end))).toEqual(records);
      }),
    );
  });

  it('may be anything', () => {
    const types = ['application/json', 'text/csv', 'application/x-www-form-urlencoded', 'text/plain', 'x/y'];
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.constantFrom(...types),
        fc.boolean(),
        fc.boolean(),
        (bytes, type, routine, columns) => {
          try {
            parseBody(Buffer.from(bytes), { contentType: type, forRoutine: routine, hasColumns: columns });
          } catch (error) {
            expect(error).toMatchObject({ code: 'PGRST102', status: 400 });
          }
        },
      ),
    );
  });
});
