import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectionUrl } from '../src/connection-url.js';
import { parseSpecFile } from '../src/parse-spec-file.js';
import { resolveSpec } from '../src/resolve-spec.js';

const resolve = (text: string) => resolveSpec(parseSpecFile(text, 'f'), { memoryBytes: 2 ** 34, cores: 4 }, undefined);
const spec = resolve('');

describe('connectionUrl', () => {
  it.each([
    ['rw', 5000],
    ['ro', 5001],
    ['pooler', 6543],
    [{ member: 'pg2' }, 5433],
  ] as const)('%j', (target, port) =>
    expect(connectionUrl(spec, target)).toBe(`postgresql://postgres@127.0.0.1:${port}/postgres`),
  );

  it('takes user, password, database and parameters', () => {
    const options = { user: 'a', password: 'p@ss/w:rd?', database: 'b c', parameters: { application_name: "it's" } };
    expect(connectionUrl(spec, 'rw', options)).toBe(
      'postgresql://a:p%40ss%2Fw%3Ard%3F@127.0.0.1:5000/b%20c?application_name=it%27s',
    );
  });

  it('puts IPv6 addresses in brackets', () => {
    expect(connectionUrl(resolve('listen: "::1"'), 'rw')).toBe('postgresql://postgres@[::1]:5000/postgres');
  });

  it('says what is not there', () => {
    const unknown = { code: 'HF_SPEC_MEMBER_UNKNOWN', suggestion: 'Its members are pg1, pg2, pg3.' };
    expect(() => connectionUrl(spec, { member: 'pg9' })).toThrow(expect.objectContaining(unknown));
    const off = resolve('pooler: {enabled: false}');
    expect(() => connectionUrl(off, 'pooler')).toThrow(expect.objectContaining({ code: 'HF_SPEC_POOLER_DISABLED' }));
  });

  it('brings every text through a URL parser unharmed', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 });
    fc.assert(
      fc.property(text, text, text, (user, password, database) => {
        const url = new URL(connectionUrl(spec, 'rw', { user, password, database }));
        expect(decodeURIComponent(url.username)).toBe(user);
        expect(decodeURIComponent(url.password)).toBe(password);
        expect(decodeURIComponent(url.pathname.slice(1))).toBe(database === '.' || database === '..' ? '' : database);
      }),
    );
  });
});
