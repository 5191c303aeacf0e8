import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readViewOrigins, traceViewColumns } from '../../src/schema-cache/view-columns.js';

/** One entry as PostgreSQL writes it, with a nested query whose own list must not count. */
function entry(number: number, table: number, column: number, name = 'id'): string {
  const inner = `{SUBLINK :subselect {QUERY :targetList ({TARGETENTRY :expr {VAR :varno 1} :resno 9 :resname x :ressortgroupref 0 :resorigtbl 777 :resorigcol 9 :resjunk false}) :groupClause <>}}`;
  return `{TARGETENTRY :expr ${inner} :resno ${number} :resname ${name} :ressortgroupref 0 :resorigtbl ${table} :resorigcol ${column} :resjunk false}`;
}

const rule = (list: string) =>
  `({QUERY :commandType 1 :rtable ({RTE :eref {ALIAS :aliasname old :colnames ("a\\ b" "c")} :targetList <>}) :targetList ${list} :override 0 :groupClause <>})`;

describe("a view's rule", () => {
  test('tells where each of its columns comes from', () => {
    expect(readViewOrigins(rule(`(${entry(1, 100, 2)} ${entry(2, 0, 0)})`))).toEqual([
      { column: 1, originTable: 100, originColumn: 2 },
      { column: 2, originTable: 0, originColumn: 0 },
    ]);
  });

  test('may have names with any characters', () => {
    const odd = entry(1, 100, 2, '\\:resorigtbl\\ 5\\{\\(\\}');
    expect(readViewOrigins(rule(`(${odd})`))).toEqual([{ column: 1, originTable: 100, originColumn: 2 }]);
  });

  test('may be empty, or no rule at all', () => {
    expect(readViewOrigins(rule('<>'))).toEqual([]);
    fc.assert(fc.property(fc.string(), (text) => Array.isArray(readViewOrigins(text))));
  });
});

describe('the columns of views', () => {
  test('are traced through views, each relation on the way', () => {
    const traced = traceViewColumns([
      { id: 1, origins: [{ column: 1, originTable: 2, originColumn: 3 }] },
      { id: 2, origins: [{ column: 3, originTable: 100, originColumn: 7 }] },
    ]);
    expect(traced).toEqual([
      { viewId: 1, viewColumn: 1, tableId: 2, tableColumn: 3 },
      { viewId: 1, viewColumn: 1, tableId: 100, tableColumn: 7 },
      { viewId: 2, viewColumn: 3, tableId: 100, tableColumn: 7 },
    ]);
  });

  test('that lead in a circle come to an end', () => {
    const traced = traceViewColumns([
      { id: 1, origins: [{ column: 1, originTable: 2, originColumn: 1 }] },
      { id: 2, origins: [{ column: 1, originTable: 1, originColumn: 1 }] },
    ]);
    expect(traced).toHaveLength(2);
  });
});
