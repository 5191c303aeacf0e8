import { describe, expect, it } from 'vitest';
import { StatementNames } from '../../src/execute/statement-names.js';
import { planCall } from '../../src/plan/plan-call.js';
import { isRepeatable, type MutationMethod, type MutationPlan, planMutation } from '../../src/plan/plan-mutation.js';
import { planRead } from '../../src/plan/plan-read.js';
import type { ReadNode } from '../../src/plan/read-plan.js';
import { parseBody } from '../../src/request/body.js';
import { parsePreferences } from '../../src/request/preferences.js';
import { parseQuery } from '../../src/request/query-string.js';
import { allRows } from '../../src/request/row-range.js';
import type { RoutineParameter } from '../../src/schema-cache/types.js';
import { brokenGuard, guardSql } from '../../src/sql/guard-sql.js';
import { callStatement, estimateStatement, mutationStatement, readStatement } from '../../src/sql/statement-sql.js';
import { cacheOf, column, manyToOne, parameter, routine, table } from '../support/schema-builder.js';

const text = { type: 'text', baseType: 'text' };
const items = table(
  'items',
  [
    column('id', { default: 'nextval()' }),
    column('name', text),
    column('maker_id'),
    column('info', { type: 'jsonb', baseType: 'jsonb' }),
  ],
  { primaryKey: ['id'] },
);
const makers = table('makers', [column('id'), column('name', text)], { primaryKey: ['id'] });
const cache = cacheOf({
  tables: [items, makers],
  relationships: [
    manyToOne('items', 'makers', 'items_maker_id_fkey', [['maker_id', 'id']]),
    manyToOne('makers', 'items', 'items_maker_id_fkey', [['id', 'maker_id']], {
      cardinality: 'one-to-many',
      sourceHoldsKey: false,
    }),
  ],
});

const json = { kind: 'json', stripNulls: false, single: false } as const;

function plan(of: { schema: string; name: string }, query: string, from: 'table' | 'source' = 'table'): ReadNode {
  return planRead({
    cache,
    table: of,
    query: parseQuery(query, { arguments: false }),
    from,
    rootFilters: from === 'table',
    rootRange: allRows,
    maxRows: null,
    aggregatesEnabled: true,
  });
}

/** The rows of a read, without what is around them. */
function rows(of: { schema: string; name: string }, query: string): { readonly sql: string; readonly values: unknown } {
  const statement = readStatement(plan(of, query), { handler: json, count: undefined });
  const found = /FROM \((.*)\) AS pgrst_rows$/.exec(statement.text);
  return { sql: (found?.[1] ?? statement.text).replaceAll('"api".', ''), values: statement.values };
}

describe('reads', () => {
  it('take values as parameters and JSON keys as literals', () => {
    expect(rows(items, `select=id,x:info->a->>'b&name=eq.it's&id=in.(1,2)&limit=3`)).toEqual({
      sql: `SELECT "items"."id" AS "id", "items"."info"->'a'->>'''b' AS "x" FROM "items" AS "items" WHERE "items"."name" = $1 AND "items"."id" = ANY($2)`,
      values: [`it's`, '{"1","2"}'],
    });
  });

  it('embed by lateral joins', () => {
    expect(rows(items, 'select=id,makers!inner(name)&makers.name=eq.x').sql).toBe(
      `SELECT "items"."id" AS "id", row_to_json("pgrst_makers_1".*) AS "makers" FROM "items" AS "items" INNER JOIN LATERAL (SELECT "makers_1"."name" AS "name" FROM "makers" AS "makers_1" WHERE "makers_1"."name" = $1 AND "makers_1"."id" = "items"."maker_id") AS "pgrst_makers_1" ON TRUE`,
    );
    expect(rows(makers, 'select=items(id)&items=not.is.null&items.limit=1').sql).toBe(
      `SELECT COALESCE("pgrst_items_1"."body", '[]') AS "items" FROM "makers" AS "makers" LEFT JOIN LATERAL (SELECT json_agg("pgrst_items_1") AS "body" FROM (SELECT "items_1"."id" AS "id" FROM "items" AS "items_1" WHERE "items_1"."maker_id" = "makers"."id" LIMIT 1) AS "pgrst_items_1") AS "pgrst_items_1" ON TRUE WHERE "pgrst_items_1"."body" IS NOT NULL`,
    );
  });

  it('group by what is not aggregated, also where it is spread', () => {
    expect(rows(items, 'select=maker_id,id.sum()').sql).toBe(
      `SELECT "items"."maker_id" AS "maker_id", sum("items"."id") AS "sum" FROM "items" AS "items" GROUP BY 1`,
    );
    expect(rows(items, 'select=...makers(name,id.max())').sql).toBe(
      `SELECT "pgrst_makers_1"."name" AS "name", max("pgrst_makers_1"."pgrst_1") AS "max" FROM "items" AS "items" LEFT JOIN LATERAL (SELECT "makers_1"."name" AS "name", "makers_1"."id" AS "pgrst_1" FROM "makers" AS "makers_1" WHERE "makers_1"."id" = "items"."maker_id") AS "pgrst_makers_1" ON TRUE GROUP BY 1`,
    );
  });

  it('never give two resources the same alias', () => {
    const clash = table('items_1', [column('id')], { primaryKey: ['id'] });
    const known = cacheOf({
      tables: [items, clash],
      relationships: [manyToOne('items_1', 'items', 'f', [['id', 'id']])],
    });
    const query = parseQuery('select=items(id)', { arguments: false });
    const shared = {
      from: 'table',
      rootFilters: true,
      rootRange: allRows,
      maxRows: null,
      aggregatesEnabled: false,
    } as const;
    const [child] = planRead({ cache: known, table: clash, query, ...shared }).children;
    expect(child?.rowAlias).toBe('items_1_2');
  });

  it('count with EXISTS in place of inner joins', () => {
    expect(estimateStatement(plan(items, 'select=id,makers!inner(id)&makers.id=eq.1')).text).toBe(
      'EXPLAIN (FORMAT JSON) SELECT 1 FROM "api"."items" AS "items" WHERE EXISTS (SELECT 1 FROM "api"."makers" AS "makers_1" WHERE "makers_1"."id" = $1 AND "makers_1"."id" = "items"."maker_id")',
    );
  });

  it.each([
    ['select=id,nobody(id)', 'PGRST200'],
    ['nobody.id=eq.1', 'PGRST108'],
    ['select=id&order=makers(id)', 'PGRST108'],
  ])('%s is refused', (query, code) => {
    expect(() => plan(items, query)).toThrow(expect.objectContaining({ code }));
  });
});

function mutation(method: MutationMethod, query: string, body: string, prefer?: string): MutationPlan {
  const preferences = parsePreferences(prefer, { allowTransaction: true, timeZones: undefined });
  const parsed = parseQuery(query, { arguments: false });
  const options = { contentType: 'application/json', forRoutine: false, hasColumns: parsed.columns !== undefined };
  return planMutation({
    method,
    cache,
    table: items,
    query: parsed,
    preferences,
    body: method === 'DELETE' ? undefined : parseBody(Buffer.from(body), options),
    read: plan(items, query, 'source'),
  });
}

describe('mutations', () => {
  it('return the columns that select, joins and Location need', () => {
    const prefer = 'return=representation';
    expect(mutation('POST', 'select=name,makers(id)', '{"name":"x"}', prefer).returning).toEqual([
      'name',
      'maker_id',
      'id',
    ]);
    expect(mutation('PATCH', 'select=name', '{"name":"x"}', prefer).returning).toEqual(['name']);
    expect(mutation('POST', 'select=name', '{"name":"x"}', 'return=headers-only').returning).toEqual(['id']);
    expect(mutation('POST', 'select=name', '{"name":"x"}').returning).toEqual([]);
  });

  it('are repeatable only where a second time changes nothing', () => {
    const merge = 'resolution=merge-duplicates';
    expect(isRepeatable(mutation('PUT', 'id=eq.1', '{"id":1,"name":"x"}'))).toBe(true);
    expect(isRepeatable(mutation('POST', '', '[{"id":1}]', merge))).toBe(true);
    expect(isRepeatable(mutation('POST', '', '[{"name":"x"}]', merge))).toBe(false);
    expect(isRepeatable(mutation('POST', '', '[{"id":1}]', `${merge}, missing=default`))).toBe(false);
    expect(isRepeatable(mutation('POST', '', '{"id":1}'))).toBe(false);
    expect(isRepeatable(mutation('PATCH', 'id=eq.1', '{"name":"x"}'))).toBe(false);
    expect(isRepeatable(mutation('DELETE', 'id=eq.1', ''))).toBe(false);
  });

  it('refuse columns that are not there, and PUT by anything but the key', () => {
    expect(() => mutation('POST', '', '{"nope":1}')).toThrow(expect.objectContaining({ code: 'PGRST204' }));
    for (const query of ['', 'name=eq.x', 'id=gt.1', 'id=not.eq.1', 'and=(id.eq.1)', 'id=eq.1&name=eq.x']) {
      expect(() => mutation('PUT', query, '{"id":1}')).toThrow(expect.objectContaining({ code: 'PGRST105' }));
    }
  });

  it('pass the whole body as one parameter', () => {
    const body = '[{"name":"x\'; drop table items; --"}]';
    const made = mutationStatement(mutation('POST', '', body), plan(items, '', 'source'), {
      handler: { kind: 'none' },
      guard: undefined,
      location: false,
    });
    expect(made.values).toEqual([body]);
    expect(made.text).not.toContain('drop');
  });
});

describe('calls', () => {
  const sum = routine('sum', [parameter('a'), parameter('more', 'integer[]', { variadic: true })]);

  it('give repeated arguments to the variadic parameter, and the last one to others', () => {
    const query = parseQuery('a=1&a=2&more=3&more=4', { arguments: true });
    const made = callStatement(planCall(sum, query, undefined), plan(sum, '', 'source'), {
      handler: json,
      guard: undefined,
      count: undefined,
      table: undefined,
    });
    expect(made.text).toContain('"api"."sum"("a" := $1::integer, VARIADIC "more" := $2::integer[])');
    expect(made.values).toEqual(['2', '{"3","4"}']);
  });

  const called = (parameters: readonly RoutineParameter[], text: string) => {
    const body = parseBody(Buffer.from(text), { contentType: 'application/json', forRoutine: true, hasColumns: false });
    const of = routine('f', parameters);
    return callStatement(planCall(of, parseQuery('', { arguments: false }), body), plan(of, '', 'source'), {
      handler: json,
      guard: undefined,
      count: undefined,
      table: undefined,
    });
  };

  it('take the scalars of a body each as a parameter', () => {
    const made = called([parameter('a'), parameter('b', 'text')], '{"b":null,"a":1}');
    expect(made.text).toContain('"api"."f"("a" := $1::integer, "b" := $2::text)');
    expect(made.values).toEqual(['1', null]);
  });

  it('leave the body to PostgreSQL where one type reads JSON in its own way', () => {
    const body = '{"a":1,"b":2}';
    for (const type of ['json', 'jsonb', 'integer[]', 'api.color', 'bit varying', 'bytea']) {
      const made = called([parameter('a'), parameter('b', type)], body);
      expect(made.text).toContain('json_to_record($1::json)');
      expect(made.values).toEqual([body]);
    }
    expect(called([parameter('a', 'integer', { variadic: true })], '{"a":1}').values).toEqual(['{"a":1}']);
  });
});

describe('guards', () => {
  it('are told from errors of others', () => {
    const marker = /'(pgrst-[0-9a-f]+:most:)'/.exec(guardSql({ kind: 'most', rows: 3 }))?.[1] ?? '';
    const failed = (code: string, message: string) => Object.assign(new Error(message), { code });
    expect(brokenGuard(failed('22P02', `invalid input syntax for type integer: "${marker}7"`))).toEqual({
      kind: 'most',
      rows: 7,
    });
    expect(brokenGuard(failed('P0001', `"${marker}7"`))).toBeUndefined();
    expect(brokenGuard(failed('22P02', 'invalid input syntax for type integer: "pgrst-0:most:7"'))).toBeUndefined();
    expect(brokenGuard('nothing')).toBeUndefined();
  });
});

describe('names of statements', () => {
  it('are given to what comes again, never twice, and to no more than so many at a time', () => {
    const names = new StatementNames(2);
    const ask = (sql: string) => [1, 2, 3, 4].map(() => names.of(sql)).at(-1);
    expect(names.of('a')).toBeUndefined();
    const first = ask('a');
    const second = ask('b');
    expect(first).toBeDefined();
    expect(second).not.toBe(first);
    expect(ask('a')).toBe(first);
    expect(ask('c')).toBeDefined();
    expect(ask('a')).toBe(first);
    expect(names.of('b')).toBeUndefined();
    expect(new Set([first, second, ask('c'), ask('b'), undefined]).size).toBe(5);
    expect(new StatementNames(0).of('a')).toBeUndefined();
  });
});
