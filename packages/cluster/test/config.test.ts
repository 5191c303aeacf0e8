import type { JsonObject } from '@holdfast/components';
import { HoldfastError } from '@holdfast/spec';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { overriddenByPlan } from '../src/operations/config.js';
import { checkAssignment, lookUp, parseAssignment, parseConfigPath } from '../src/operations/config-path.js';
import { diffConfiguration } from '../src/operations/diff-configuration.js';

describe('parseAssignment', () => {
  test.each([
    ['postgresql.parameters.work_mem=64MB', ['postgresql', 'parameters', 'work_mem'], '64MB'],
    [
      'postgresql.parameters.auto_explain.log_min_duration=250',
      ['postgresql', 'parameters', 'auto_explain.log_min_duration'],
      250,
    ],
    ['max_timelines_history=5', ['max_timelines_history'], 5],
    ['check_timeline=true', ['check_timeline'], true],
    ['postgresql.parameters.work_mem=null', ['postgresql', 'parameters', 'work_mem'], null],
    ['postgresql.parameters.search_path="a=b, public"', ['postgresql', 'parameters', 'search_path'], 'a=b, public'],
    ['postgresql.parameters.x=a=b', ['postgresql', 'parameters', 'x'], 'a=b'],
    ['slots={"a":{"type":"physical"}}', ['slots'], { a: { type: 'physical' } }],
  ])('%s', (given, path, value) => {
    expect(parseAssignment(given)).toEqual({ path, value });
  });

  test.each(['work_mem', '=1', ''])('refuses %j', (given) => {
    expect(() => parseAssignment(given)).toThrow(HoldfastError);
  });

  test.each(['a..b', '', '__proto__.x'])('refuses the path %j', (given) => {
    expect(() => parseConfigPath(given)).toThrow('cannot be set');
  });
});

describe('checkAssignment', () => {
  test.each([
    'postgresql.parameters.work_mem=64MB',
    'postgresql.parameters.work_mem=null',
    'max_timelines_history=3',
    'primary_start_timeout=60',
    'postgresql={"parameters":{"work_mem":"1MB"}}',
  ])('allows %s', (given) => {
    expect(() => checkAssignment(parseAssignment(given))).not.toThrow();
  });

  test.each([
    ['ttl=10', 'holdfast.yaml decides it'],
    ['synchronous_mode=false', 'holdfast.yaml decides it'],
    ['synchronous_mode=null', 'holdfast.yaml decides it'],
    ['postgresql=null', 'holdfast.yaml decides it'],
    ['postgresql.parameters=null', 'holdfast.yaml decides it'],
    ['postgresql={"pg_hba":[]}', 'holdfast.yaml decides it'],
    ['postgresql.parameters.wal_level=minimal', 'holdfast.yaml decides it'],
    ['postgresql.parameters.fsync=off', 'after a crash'],
    ['postgresql.parameters.Synchronous_Standby_Names=pg2', 'is set by Patroni'],
    ['postgresql.parameters.max_connections=3', 'at least 25'],
    ['postgresql.parameters.work_mem=[1]', 'a list or an object'],
    ['pause=true', 'its own commands'],
    ['loopwait=1', 'Patroni has no setting loopwait'],
    ['work_mem=64MB', 'Patroni has no setting work_mem'],
  ])('refuses %s', (given, words) => {
    expect(() => checkAssignment(parseAssignment(given))).toThrow(words);
  });
});

describe('diffConfiguration', () => {
  const current = {
    ttl: 20,
    synchronous_mode: true,
    postgresql: { parameters: { work_mem: '4MB', max_connections: 100 }, pg_hba: ['a', 'b'] },
  };

  test('nothing to do when it is contained', () => {
    const wanted = {
      ttl: '20',
      postgresql: { parameters: { max_connections: '100' }, pg_hba: ['a', 'b'] },
      slots: null,
    };
    expect(diffConfiguration(current, wanted)).toEqual({ patch: {}, lines: [] });
  });

  test('the patch holds what differs and nothing else', () => {
    const wanted = {
      ttl: 30,
      synchronous_mode: null,
      postgresql: { parameters: { work_mem: '64MB', max_connections: 100, jit: 'off' }, pg_hba: ['b', 'a'] },
    };
    expect(diffConfiguration(current, wanted)).toEqual({
      patch: {
        ttl: 30,
        synchronous_mode: null,
        postgresql: { parameters: { work_mem: '64MB', jit: 'off' }, pg_hba: ['b', 'a'] },
      },
      lines: [
        'ttl: 20 → 30',
        'synchronous_mode: true → removed',
        'postgresql.parameters.work_mem: 4MB → 64MB',
        'postgresql.parameters.jit: unset → off',
        'postgresql.pg_hba: ["a","b"] → ["b","a"]',
      ],
    });
  });

  const json: fc.Arbitrary<JsonObject> = fc.letrec<{ value: JsonObject[string]; object: JsonObject }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom('a', 'b', '1', 1, 2, true, false, null),
      fc.array(fc.constantFrom('x', 'y'), { maxLength: 2 }),
      tie('object'),
    ),
    object: fc.dictionary(fc.constantFrom('k', 'l', 'm'), tie('value'), { maxKeys: 3 }),
  })).object;

  /** What PATCH /config does. */
  function patched(into: JsonObject, patch: JsonObject): JsonObject {
    const merged = { ...into };
    for (const [key, value] of Object.entries(patch)) {
      const old = merged[key];
      const both = isObject(old) && isObject(value);
      if (value === null) delete merged[key];
      else merged[key] = both ? patched(old, value) : value;
    }
    return merged;
  }
  const isObject = (value: unknown): value is JsonObject =>
    typeof value === 'object' && value !== null && !Array.isArray(value);

  test('after the patch there is nothing left to do, and nothing else was touched', () => {
    fc.assert(
      fc.property(json, json, (from, wanted) => {
        const { patch, lines } = diffConfiguration(from, wanted);
        const after = patched(from, patch);
        expect(diffConfiguration(after, wanted).lines).toEqual([]);
        expect(lines.length === 0).toBe(Object.keys(patch).length === 0);
        for (const key of Object.keys(from)) if (!(key in wanted)) expect(after[key]).toEqual(from[key]);
      }),
    );
  });
});

test('lookUp finds values and nothing beside', () => {
  expect(lookUp({ a: { b: 1 } }, ['a', 'b'])).toBe(1);
  expect(lookUp({ a: { b: 1 } }, ['a', 'b', 'c'])).toBeUndefined();
  expect(lookUp({ a: {} }, ['a', 'constructor'])).toBeUndefined();
  expect(lookUp({ a: 1 }, [])).toEqual({ a: 1 });
});

test('a value that the next up would put back is named', () => {
  const planned = { postgresql: { parameters: { work_mem: '4MB' } } };
  const lines = (text: string) => overriddenByPlan([parseAssignment(text)], planned);
  expect(lines('postgresql.parameters.work_mem=64MB')).toHaveLength(1);
  expect(lines('postgresql.parameters.work_mem=4MB')).toEqual([]);
  expect(lines('postgresql.parameters.jit=off')).toEqual([]);
});
