import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appliedPreferences, parsePreferences } from '../../src/request/preferences.js';

const options = { allowTransaction: true, timeZones: new Set(['Europe/Berlin']) };
const all = ['resolution', 'missing', 'representation', 'max-affected'] as const;

describe('the Prefer header', () => {
  it('is read, the first of two counts, and what is unknown is kept', () => {
    const header =
      'count=exact,    tx=commit   ,return=representation , missing=default, handling=strict, tx=rollback, anything, max-affected=7, timezone=Europe/Berlin';
    expect(parsePreferences(header, options)).toEqual({
      resolution: undefined,
      representation: 'representation',
      count: 'exact',
      transaction: 'commit',
      missing: 'default',
      handling: 'strict',
      timeZone: 'Europe/Berlin',
      maxAffected: 7,
      invalid: ['anything'],
    });
  });

  it('does not let the client choose the end of the transaction, nor an unknown time zone', () => {
    const found = parsePreferences('tx=rollback, timezone=Mars/Olympus', { ...options, allowTransaction: false });
    expect(found).toMatchObject({ transaction: undefined, timeZone: undefined, invalid: ['timezone=Mars/Olympus'] });
  });

  it('is answered in a fixed order', () => {
    const found = parsePreferences(
      'count=exact, return=minimal, resolution=merge-duplicates, handling=strict, max-affected=1, missing=default',
      options,
    );
    expect(appliedPreferences(found, all)).toBe(
      'resolution=merge-duplicates, missing=default, return=minimal, count=exact, handling=strict, max-affected=1',
    );
    expect(appliedPreferences(found, [])).toBe('count=exact, handling=strict');
    expect(appliedPreferences(parsePreferences('max-affected=1', options), all)).toBeUndefined();
  });

  it('may be anything', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        parsePreferences(header, options);
      }),
    );
    expect(parsePreferences('constructor=name, __proto__=x', options).invalid).toHaveLength(2);
  });
});
