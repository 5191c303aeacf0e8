import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderTable } from '../src/terminal/table.js';
import { plain } from './support/captured-output.js';

test('columns are as wide as their widest cell', () => {
  const table = renderTable(
    ['MEMBER', 'ROLE'],
    [
      ['pg1', 'primary'],
      ['a-longer-name', 'replica'],
    ],
  );
  expect(plain(table)).toBe('MEMBER         ROLE\npg1            primary\na-longer-name  replica');
});

test('colours take no room', () => {
  const [, coloured, other] = renderTable(
    ['STATE', 'NAME'],
    [
      ['\x1b[32mready\x1b[39m', 'pg1'],
      ['starting', 'pg2'],
    ],
  ).split('\n');
  expect(plain(coloured ?? '')).toBe('ready     pg1');
  expect(other).toBe('starting  pg2');
});

test('a missing cell is empty and no line ends in spaces', () => {
  expect(plain(renderTable(['A', 'B', 'C'], [['1'], ['2', '3', '']]))).toBe('A  B  C\n1\n2  3');
});

test('no rows: the head alone', () => {
  expect(plain(renderTable(['A', 'B'], []))).toBe('A  B');
});

test('every cell of a column begins at the same place', () => {
  const cell = fc.string({ unit: fc.constantFrom(...'abc-_0'), minLength: 1, maxLength: 12 });
  const row = fc.tuple(cell, cell, cell);
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 8 }), (rows) => {
      const [head = '', ...lines] = plain(renderTable(['FIRST', 'SECOND', 'THIRD'], rows)).split('\n');
      const starts = [0, head.indexOf('SECOND'), head.indexOf('THIRD')];
      const found = lines.map((line) =>
        starts.map((start, column) => line.slice(start, starts[column + 1] ?? line.length).trimEnd()),
      );
      expect(found).toEqual(rows);
    }),
  );
});
