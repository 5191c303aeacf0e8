import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkParameter,
  checkParameters,
  managedParameters,
  mergeParameters,
  postgresBoolean,
  weakensSynchronous,
} from '../src/parameters.js';

const anyCase = (name: string) =>
  fc
    .infiniteStream(fc.boolean())
    .map((upper) => [...name].map((c) => (upper.next().value ? c.toUpperCase() : c)).join(''));

const value = fc.oneof(fc.boolean(), fc.integer(), fc.stringMatching(/^[a-z0-9]{1,12}$/));

describe('checkParameter', () => {
  it('refuses every managed one, whatever its value and case', () => {
    const name = fc.constantFrom(...Object.keys(managedParameters)).chain(anyCase);
    fc.assert(
      fc.property(name, value, (written, any) => {
        expect(checkParameter(written, any)).toBeDefined();
      }),
    );
  });

  it.each([
    ['fsync', false],
    ['fsync', 'OFF'],
    ['fsync', 'of'],
    ['fsync', 0],
    ['full_page_writes', 'no'],
    ['wal_log_hints', 'f'],
    ['fsync', 'perhaps'],
    ['wal_level', 'replica'],
    ['wal_level', 'minimal'],
    ['password_encryption', 'md5'],
    ['password_encryption', 'on'],
    ['max_connections', 10],
    ['max_connections', '1e3'],
    ['bad name', 1],
    ['a.b.c', 1],
    ['log_line_prefix', "x'\nfsync = off"],
  ])('refuses %s = %j', (name, any) => expect(checkParameter(name, any)).toBeDefined());

  it.each([
    ['fsync', true],
    ['fsync', 'on'],
    ['wal_level', 'Logical'],
    ['archive_mode', 'on'],
    ['archive_command', 'cp %p /archive/%f'],
    ['restore_command', 'cp /archive/%f %p'],
    ['pg_stat_statements.max', 1000],
    ['max_connections', '300'],
    ['constructor', 1],
  ])('allows %s = %j', (name, any) => expect(checkParameter(name, any)).toBeUndefined());

  it('sees the same name twice', () => {
    expect(checkParameters({ work_mem: '4MB', Work_Mem: '8MB' })).toMatchObject([{ path: ['Work_Mem'] }]);
  });
});

describe('mergeParameters', () => {
  it('lets the user win, but for managed ones', () => {
    const names = fc.oneof(fc.stringMatching(/^[a-z_]{1,9}$/), fc.constantFrom(...Object.keys(managedParameters)));
    const parameters = fc.dictionary(names, value, { noNullPrototype: true });
    fc.assert(
      fc.property(parameters, parameters, (defaults, user) => {
        const merged = mergeParameters(defaults, user);
        for (const [name, expected] of Object.entries({ ...defaults, ...user })) {
          expect(merged[name]).toBe(Object.hasOwn(managedParameters, name) ? defaults[name] : expected);
        }
      }),
    );
  });

  it('knows no case and sorts', () => {
    expect(Object.entries(mergeParameters({ b: 1, a: 1 }, { B: 2 }))).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
  });
});

it.each([
  ['on', true],
  ['tr', true],
  ['Y', true],
  [1, true],
  ['o', undefined],
  ['', undefined],
  ['of', false],
  ['FALSE', false],
  [false, false],
  ['offf', undefined],
])('postgresBoolean(%j) is %s', (any, expected) => expect(postgresBoolean(any)).toBe(expected));

it('knows which synchronous_commit gives synchronous replication up', () => {
  expect(['off', false, 'local', 'LOCAL', 0].every((any) => weakensSynchronous('on', any))).toBe(true);
  expect(['on', 'remote_apply', 'remote_write', undefined].some((any) => weakensSynchronous('strict', any))).toBe(
    false,
  );
  expect(weakensSynchronous('off', 'off')).toBe(false);
});
