import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseClaimPath, walkClaims } from '../../src/auth/claim-path.js';

const claims = {
  role: 'author',
  'https://x/roles': ['reader', 'role:admin', 'writer-x'],
  nested: { list: [{ name: 'deep' }] },
};

const at = (path: string): unknown => {
  const steps = parseClaimPath(path);
  return steps === undefined ? 'no path' : walkClaims(claims, steps);
};

describe('a path to a claim', () => {
  test.each([
    ['.role', 'author'],
    ['."https://x/roles"[0]', 'reader'],
    ['.nested.list[0].name', 'deep'],
    ['."https://x/roles"[?(@ == "reader")]', 'reader'],
    ['."https://x/roles"[?(@ != "reader")]', 'role:admin'],
    ['."https://x/roles"[?(@ ^== "role:")]', 'role:admin'],
    ['."https://x/roles"[?(@ ==^ "-x")]', 'writer-x'],
    ['."https://x/roles"[?(@ *== "adm")]', 'role:admin'],
    ['.role[1:3]', 'ut'],
    ['.role[-2:]', 'or'],
    ['.role[:2]', 'au'],
    ['.role.more', undefined],
    ['.nested.list[9]', undefined],
    ['.toString', undefined],
  ])('%s leads to %s', (path, value) => {
    expect(at(path)).toBe(value);
  });

  test.each(['', 'role', '.', '.role[', '.role[x]', '.a..b', '.role]'])('%j is none', (path) => {
    expect(parseClaimPath(path)).toBeUndefined();
  });

  test('may be any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'.[]"?(@=^*!: a0)') }), fc.jsonValue(), (path, value) => {
        const steps = parseClaimPath(path);
        if (steps !== undefined) walkClaims(value, steps);
      }),
    );
  });
});
