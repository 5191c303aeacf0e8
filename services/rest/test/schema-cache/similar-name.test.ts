import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leastNameScore, mostSimilar } from '../../src/schema-cache/similar-name.js';

describe('the most similar name', () => {
  test.each([
    [['projects', 'project_invoices', 'clients'], 'projectx', 'projects'],
    [['films', 'actors'], 'film', 'films'],
    [['directors', 'roles', 'actors'], 'role', 'roles'],
    [['(name, param, val)', '(attr, id)'], '(nam, pqaram, vall)', '(name, param, val)'],
    [['(name, param, val)', '(attr, id)'], '(id)', '(attr, id)'],
  ])('of %j to %s is %s', (names, wanted, found) => {
    expect(mostSimilar(names, wanted)?.name).toBe(found);
  });

  test('is the same name, whatever its case', () => {
    expect(mostSimilar(['Items', 'item'], 'ITEMS')).toEqual({ name: 'Items', score: 1 });
  });

  test('is none where nothing is close', () => {
    expect(mostSimilar(['films', 'actors'], 'noclosealternative')).toBeUndefined();
    expect(mostSimilar(['projects'], 'pro', leastNameScore)).toBeUndefined();
    expect(mostSimilar([], 'projects')).toBeUndefined();
  });

  test('is always one of the names, with a score of 0 to 1', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 20 }), fc.string(), (names, wanted) => {
        const found = mostSimilar(names, wanted);
        if (found === undefined) return;
        expect(names).toContain(found.name);
        expect(found.score).toBeGreaterThanOrEqual(0.33);
        expect(found.score).toBeLessThanOrEqual(1);
      }),
    );
  });
});
