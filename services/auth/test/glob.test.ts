import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileGlob } from '../src/redirects/glob.js';

const matches = (pattern: string, text: string) => compileGlob(pattern)?.test(text) ?? false;

describe('a pattern of the allow list', () => {
  // The examples of Supabase's guide to redirect URLs.
  test.each([
    ['http://localhost:3000/*', 'http://localhost:3000/foo', true],
    ['http://localhost:3000/*', 'http://localhost:3000/bar', true],
    ['http://localhost:3000/*', 'http://localhost:3000/foo/', false],
    ['http://localhost:3000/*', 'http://localhost:3000/foo/bar', false],
    ['http://localhost:3000/**', 'http://localhost:3000/foo/bar', true],
    ['http://localhost:3000/**', 'http://localhost:3000/', true],
    ['http://localhost:3000/?', 'http://localhost:3000/f', true],
    ['http://localhost:3000/?', 'http://localhost:3000/foo', false],
    ['http://localhost:3000/[!a-z]', 'http://localhost:3000/1', true],
    ['http://localhost:3000/[!a-z]', 'http://localhost:3000/a', false],
    ['https://*.vercel.app', 'https://a.vercel.app', true],
    ['https://*.vercel.app', 'https://a.b.vercel.app', false],
    ['https://*.vercel.app', 'https://evil.com/.vercel.app', false],
    ['https://{one,two}.example.com', 'https://two.example.com', true],
    ['https://{one,two}.example.com', 'https://three.example.com', false],
    ['myapp://**', 'myapp://a/b?c=d', true],
    ['https://example.com', 'https://exampleXcom', false],
    ['https://example.com', 'https://example.com/', false],
    [String.raw`https://a\*b.com`, 'https://a*b.com', true],
    [String.raw`https://a\*b.com`, 'https://axb.com', false],
  ])('%s: %s is %s', (pattern, url, expected) => {
    expect(matches(pattern, url)).toBe(expected);
  });

  test('that is not closed is none', () => {
    expect(compileGlob('https://{a,b')).toBeUndefined();
    expect(compileGlob('https://[')).toBeUndefined();
  });

  test('without signs matches itself alone', () => {
    const plain = fc.string().filter((text) => !/[\\*?[\]{}]/.test(text));
    fc.assert(
      fc.property(plain, fc.string(), (pattern, other) => {
        expect(matches(pattern, pattern)).toBe(true);
        if (other !== pattern) expect(matches(pattern, other)).toBe(false);
      }),
    );
  });

  test('never throws', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (pattern, text) => void matches(pattern, text)));
  });
});
