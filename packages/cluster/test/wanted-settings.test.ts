import type { JsonObject } from '@holdfast/components';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wantedSettings } from '../src/up/wanted-settings.js';

describe('wantedSettings', () => {
  it('removes what the last plan set and this one does not', () => {
    const before = { ttl: 20, postgresql: { parameters: { work_mem: '4MB', max_connections: 100 } } };
    const after = { ttl: 20, postgresql: { parameters: { max_connections: 100 } } };
    expect(wantedSettings(before, after)).toEqual({
      ttl: 20,
      postgresql: { parameters: { work_mem: null, max_connections: 100 } },
    });
  });

  it('does not mention what it never set', () => {
    expect(wantedSettings({}, { ttl: 30 })).toEqual({ ttl: 30 });
  });

  it('contains everything of the new plan, and only nulls beside it', () => {
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean());
    const tree = fc.letrec<{ node: JsonObject }>((tie) => ({
      node: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof({ maxDepth: 3 }, leaf, tie('node'))),
    })).node;
    const withoutNulls = (value: unknown): unknown =>
      typeof value === 'object' && value !== null
        ? Object.fromEntries(
            Object.entries(value)
              .filter(([, inner]) => inner !== null)
              .map(([key, inner]) => [key, withoutNulls(inner)]),
          )
        : value;
    fc.assert(
      fc.property(tree, tree, (before, after) => {
        expect(withoutNulls(wantedSettings(before, after))).toEqual(withoutNulls(after));
      }),
    );
  });
});
