import { describe, expect, test } from 'vitest';
import { quoteIdentifier, quoteLiteral } from '../src/quote.js';

describe('a name', () => {
  test.each([
    ['plain', '"plain"'],
    ['With Space', '"With Space"'],
    ['a"b', '"a""b"'],
    ['"; DROP TABLE t; --', '"""; DROP TABLE t; --"'],
    ['back\\slash', '"back\\slash"'],
  ])('%s', (name, sql) => expect(quoteIdentifier(name)).toBe(sql));
});

describe('a value', () => {
  test.each([
    ['plain', "'plain'"],
    ["it's", "'it''s'"],
    ["'; DROP TABLE t; --", "'''; DROP TABLE t; --'"],
    ['a"b', "'a\"b'"],
    // The form that standard_conforming_strings cannot change the meaning of.
    ['back\\slash', " E'back\\\\slash'"],
  ])('%s', (value, sql) => expect(quoteLiteral(value)).toBe(sql));
});
