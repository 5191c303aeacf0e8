import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RestError } from '../../src/errors/rest-error.js';
import type { JsonStep, Logic, SelectItem } from '../../src/request/query.js';
import { encodePart, parseQuery, splitPairs } from '../../src/request/query-string.js';
import { names, refusal, written } from './examples.js';

const parse = (query: string) => parseQuery(query, { arguments: false });
const field = (name: string, path: readonly JsonStep[] = []) => ({ name, path });

function selectField(name: string, more: Partial<Extract<SelectItem, { kind: 'field' }>> = {}): SelectItem {
  const none = { alias: undefined, cast: undefined, aggregate: undefined, aggregateCast: undefined };
  return { kind: 'field', field: field(name), ...none, ...more };
}

function relation(name: string, more: Partial<Extract<SelectItem, { kind: 'relation' }>> = {}): SelectItem {
  const none = { alias: undefined, hint: undefined, join: undefined, spread: false, items: [selectField('*')] };
  return { kind: 'relation', name, ...none, ...more };
}

describe('select', () => {
  it.each<[string, readonly SelectItem[]]>([
    ['', []],
    ['*', [selectField('*')]],
    ['id,name', [selectField('id'), selectField('name')]],
    [' id , name ', [selectField('id'), selectField('name')]],
    ['my col', [selectField('my col')]],
    ['a-b', [selectField('a-b')]],
    ['"a.b,c"', [selectField('a.b,c')]],
    ['x:id', [selectField('id', { alias: 'x' })]],
    ['id::text', [selectField('id', { cast: 'text' })]],
    ['x:id::double precision', [selectField('id', { alias: 'x', cast: 'double precision' })]],
    ['count()', [selectField('*', { aggregate: 'count' })]],
    ['n:count()::text', [selectField('*', { alias: 'n', aggregate: 'count', aggregateCast: 'text' })]],
    ['a::int.sum()::text', [selectField('a', { cast: 'int', aggregate: 'sum', aggregateCast: 'text' })]],
    ['a.min(),a.max()', [selectField('a', { aggregate: 'min' }), selectField('a', { aggregate: 'max' })]],
    ['d->a->>0', [selectField('d', { field: field('d', [step('->', 'a'), step('->>', 0)]) })]],
    ['d->-1', [selectField('d', { field: field('d', [step('->', -1)]) })]],
    ['d->0xy', [selectField('d', { field: field('d', [step('->', '0xy')]) })]],
    ['d->"a.b"', [selectField('d', { field: field('d', [step('->', 'a.b')]) })]],
    ['rel(*)', [relation('rel')]],
    ['x:rel!hint!inner(*)', [relation('rel', { alias: 'x', hint: 'hint', join: 'inner' })]],
    ['rel!left!hint(*)', [relation('rel', { hint: 'hint', join: 'left' })]],
    ['...rel(*)', [relation('rel', { spread: true })]],
    ['rel()', [relation('rel', { items: [] })]],
    ['a(b(*),c)', [relation('a', { items: [relation('b'), selectField('c')] })]],
  ])('reads %j', (text, items) => {
    expect(parse(`select=${encodeURIComponent(text)}`).select).toEqual(items);
  });
});

function step(arrow: JsonStep['arrow'], key: string | number): JsonStep {
  return { arrow, key };
}

describe('filters', () => {
  const operation = (value: string) => parse(`a=${encodeURIComponent(value)}`).filters[0]?.value;

  it.each([
    ['eq.1', { kind: 'quantified', operator: 'eq', quantifier: undefined, value: '1' }],
    ['gte.a.b', { kind: 'quantified', operator: 'gte', quantifier: undefined, value: 'a.b' }],
    ['like(any).{a*,b*}', { kind: 'quantified', operator: 'like', quantifier: 'any', value: '{a*,b*}' }],
    ['eq(all).{1}', { kind: 'quantified', operator: 'eq', quantifier: 'all', value: '{1}' }],
    ['neq.', { kind: 'simple', operator: 'neq', value: '' }],
    ['cs.{1,2}', { kind: 'simple', operator: 'cs', value: '{1,2}' }],
    ['is.NULL', { kind: 'is', what: 'null' }],
    ['is.not_null', { kind: 'is', what: 'not null' }],
    ['isdistinct.x', { kind: 'distinct', value: 'x' }],
    ['in.(1,2)', { kind: 'in', values: ['1', '2'] }],
    ['in.()', { kind: 'in', values: [''] }],
    ['in.("a,b","c\\"d",e\\)', { kind: 'in', values: ['a,b', 'c"d', 'e\\'] }],
    ['fts.x', { kind: 'search', operator: 'fts', language: undefined, value: 'x' }],
    ['wfts(english).x y', { kind: 'search', operator: 'wfts', language: 'english', value: 'x y' }],
  ])('reads %j, and its negation', (value, wanted) => {
    expect(operation(value)).toEqual({ field: field('a'), not: false, operation: wanted });
    expect(operation(`not.${value}`)).toEqual({ field: field('a'), not: true, operation: wanted });
  });

  it('finds the embedded resource and the JSON path of a name', () => {
    const { filters } = parse('a.b.c->d->>0=eq.1');
    expect(filters[0]?.path).toEqual(['a', 'b']);
    expect(filters[0]?.value.field).toEqual(field('c', [step('->', 'd'), step('->>', 0)]));
  });

  it('takes what is no operator as the argument of a function', () => {
    const query = parseQuery('a=1&b=eq.2&a=3', { arguments: true });
    expect(query.parameters).toEqual([
      ['a', '1'],
      ['a', '3'],
    ]);
    expect(query.filters).toHaveLength(1);
  });
});

describe('logic', () => {
  it('reads trees, quoted values and arrays', () => {
    const [only] = parse('x.not.or=(a.eq."1,)",not.and(b.cs.{1,2},c.not.is.null), d->e.in.(1,2))').logic;
    expect(only?.path).toEqual(['x']);
    const logic = only?.value;
    expect(logic).toMatchObject({ kind: 'group', not: true, operator: 'or' });
    const members: readonly Logic[] = logic?.kind === 'group' ? logic.members : [];
    expect(members).toHaveLength(3);
    expect(members[0]).toMatchObject({ filter: { operation: { value: '1,)' } } });
    expect(members[1]).toMatchObject({ kind: 'group', not: true, operator: 'and' });
    expect(members[2]).toMatchObject({ filter: { operation: { values: ['1', '2'] } } });
  });
});

describe('order and ranges', () => {
  it('reads directions, nulls, JSON paths and related fields', () => {
    const [order] = parse('order=a.desc.nullslast,b,c->d.nullsfirst,rel(x->>y).asc').order;
    expect(order?.value).toEqual([
      { relation: undefined, field: field('a'), direction: 'desc', nulls: 'last' },
      { relation: undefined, field: field('b'), direction: undefined, nulls: undefined },
      { relation: undefined, field: field('c', [step('->', 'd')]), direction: undefined, nulls: 'first' },
      { relation: 'rel', field: field('x', [step('->>', 'y')]), direction: 'asc', nulls: undefined },
    ]);
  });

  it('reads limits of every level; what is no number does not count', () => {
    const { ranges, hasRootRange } = parse('limit=5&offset=x&a.b.limit=2&a.b.offset=3&c.offset=-4');
    expect(hasRootRange).toBe(true);
    expect(ranges).toEqual([
      { path: [], value: { offset: 0, limit: 5 } },
      { path: ['a', 'b'], value: { offset: 3, limit: 2 } },
      { path: ['c'], value: { offset: 0, limit: undefined } },
    ]);
  });
});

describe('errors are worded as Parsec does', () => {
  it.each([
    ['select=data->>--34', 9, 'unexpected "-" expecting digit'],
    ['select=data->>-78xy', 11, `unexpected 'x' expecting digit, "->", "::", ".", "," or end of input`],
    [
      'select=id,clients(name[])',
      16,
      `unexpected '[' expecting letter, digit, "-", "->>", "->", "::", ".", ")", "," or end of input`,
    ],
    [
      'select=name!hint',
      5,
      `unexpected '!' expecting letter, digit, "-", "->>", "->", "::", ".", ")", "," or end of input`,
    ],
    ['select=name::', 7, 'unexpected end of input expecting letter or digit'],
    ['id=0', 1, 'unexpected "0" expecting "not" or operator (eq, gt, ...)'],
    ['a=noop.0', 1, 'unexpected "o" expecting "not" or operator (eq, gt, ...)'],
    ['a=eq().value', 4, 'unexpected ")" expecting operator (eq, gt, ...)'],
    ['a=is().value', 3, 'unexpected "(" expecting operator (eq, gt, ...)'],
    ['order=id.asc.nullslasttt', 17, `unexpected 't' expecting "," or end of input`],
    ['order=id.ac', 4, 'unexpected "c" expecting "asc", "desc", "nullsfirst" or "nullslast"'],
    ['order=id.descc', 8, `unexpected 'c' expecting delimiter (.), "," or end of input`],
    ['order=id.asc.nlsfst', 8, 'unexpected "l" expecting "nullsfirst" or "nullslast"'],
    [
      'or=()',
      4,
      'unexpected ")" expecting field name (* or [a..z0..9_$]), negation operator (not) or logic operator (and, or)',
    ],
    ['or=)(', 3, 'unexpected ")" expecting "("'],
    ['or=(id.in.1,2,id.eq.3)', 10, 'unexpected "1" expecting "("'],
    ['or=(id.eq.1,not.xor(id.eq.2,id.eq.3))', 16, 'unexpected "x" expecting logic operator (and, or)'],
  ])('%s', (query, column, details) => {
    const body = refusal(query);
    expect(body.code).toBe('PGRST100');
    expect(body.details).toBe(details);
    expect(body.message).toContain(`(line 1, column ${column})`);
  });

  it('refuses what is nested too deep', () => {
    const deep = `${'a('.repeat(5000)}${')'.repeat(5000)}`;
    expect(refusal(`select=${deep}`).details).toMatch(/nested/);
    expect(refusal(`or=${'(and'.repeat(3000)}`).details).toMatch(/nested/);
  });
});

describe('properties', () => {
  it('reads any name back that was quoted, wherever names stand', () => {
    fc.assert(
      fc.property(names, names, (outer, inner) => {
        const [a, b] = [written(outer), written(inner)];
        const text = `select=${encodeURIComponent(`${a}:${b}!${a}(${b})`)}&${encodeURIComponent(`${a}.${b}`)}=eq.1&order=${encodeURIComponent(`${a}(${b})`)}&on_conflict=${encodeURIComponent(`${a},${b}`)}`;
        const query = parse(text);
        expect(query.select[0]).toMatchObject({ name: inner, alias: outer, hint: outer });
        expect(query.filters[0]).toMatchObject({ path: [outer], value: { field: { name: inner } } });
        expect(query.order[0]?.value[0]).toMatchObject({ relation: outer, field: { name: inner } });
        expect(query.onConflict).toEqual([outer, inner]);
      }),
    );
  });

  it('reads any value back, as a list and as a member of a tree when it is quoted', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (values) => {
        const list = values.map(written).join(',');
        const single = values[0] ?? '';
        const query = parse(
          `a=${encodeURIComponent(`in.(${list})`)}&b=${encodeURIComponent(`eq.${single}`)}&or=${encodeURIComponent(`(c.eq.${written(single)})`)}`,
        );
        const known = values.map(readBack);
        expect(query.filters[0]?.value.operation).toMatchObject({ values: known });
        expect(query.filters[1]?.value.operation).toMatchObject({ value: readBack(single) });
        expect(query.logic[0]?.value).toMatchObject({
          members: [{ filter: { operation: { value: readBack(single) } } }],
        });
      }),
    );
  });

  it('splits what was encoded', () => {
    const text = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text)), (pairs) => {
        const encoded = pairs.map(([name, value]) => `${encodePart(name)}=${encodePart(value)}`).join('&');
        expect(splitPairs(encoded)).toEqual(pairs);
      }),
    );
  });

  it('never fails but with PGRST100', () => {
    const fragments = fc.constantFrom(
      ...[
        'select',
        'order',
        'or',
        'not.and',
        'limit',
        'columns',
        'a',
        'a.b',
        'eq',
        'in',
        'is',
        'fts',
        'not',
        'any',
        '->',
        '->>',
      ],
      ...[
        '(',
        ')',
        '=',
        '&',
        '.',
        ',',
        ':',
        '::',
        '!',
        '"',
        '\\',
        '...',
        '*',
        '{',
        '}',
        '-',
        '%',
        '%00',
        '%ff',
        '+',
        ' ',
        '0',
        '-1',
        'é',
        '\u{1f600}',
      ],
    );
    const query = fc.oneof(
      fc.array(fragments, { maxLength: 40 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary', maxLength: 60 }),
    );
    fc.assert(
      fc.property(query, fc.boolean(), (text, isCall) => {
        try {
          parseQuery(text, { arguments: isCall });
        } catch (error) {
          expect(error).toBeInstanceOf(RestError);
          expect(error).toMatchObject({ status: 400, code: 'PGRST100' });
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('is done soon with hostile input', () => {
    const start = performance.now();
    for (const text of [
      'not.'.repeat(4000),
      'and('.repeat(4000),
      `"${'\\"'.repeat(8000)}`,
      '->'.repeat(8000),
      'a-'.repeat(8000),
    ]) {
      for (const key of ['select', 'order', 'or', 'a', 'columns']) {
        try {
          parse(`${key}=${text}`);
        } catch (error) {
          expect(error).toBeInstanceOf(RestError);
        }
      }
    }
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

/** Lone surrogates have no UTF-8. */
function readBack(text: string): string {
  return Buffer.from(text).toString();
}
