import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isRedirectAllowed } from '../src/redirects/resolve-redirect.js';

const settings = {
  siteUrl: 'https://app.example.com',
  redirectAllowList: ['https://*.preview.example.com/**', 'com.my_app://callback', 'http://127.0.0.1:8080/**', '**'],
};
const narrow = { ...settings, redirectAllowList: settings.redirectAllowList.slice(0, 3) };

describe('a redirect', () => {
  test.each([
    'https://app.example.com',
    'https://app.example.com/any/path?x=1#y',
    'https://a.preview.example.com/x',
    'https://a.preview.example.com/x#fragment',
    'com.my_app://callback',
    'http://127.0.0.1:8080/cb',
  ])('to %s is allowed', (url) => {
    expect(isRedirectAllowed(url, narrow)).toBe(true);
  });

  test.each([
    '',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com.evil.com',
    'https://evil.com',
    'https://evil.com/#https://app.example.com',
    'https://evil.com\\@app.example.com',
    'https://app.example.com@evil.com',
    'javascript:alert(1)',
    '//evil.com',
    ' https://app.example.com',
    'https://app.example.com/\nx',
    'https://a.b.preview.example.com/x',
    'https:evil.com',
    'https:/evil.com',
  ])('to %j is not', (url) => {
    expect(isRedirectAllowed(url, narrow)).toBe(false);
  });

  test.each([
    'https://2130706433/',
    'https://0x7f000001/',
    'https://192.0.2.1/',
    'https://[2001:db8::1]/',
    'https://a b/',
    'https://ex%61mple.com/',
    '\thttps://2130706433/',
    'https:/\\2130706433/',
  ])('to %j is not even where all are', (url) => {
    expect(isRedirectAllowed(url, settings)).toBe(false);
  });

  test('to this machine may have any port', () => {
    const local = { siteUrl: 'http://localhost:3000', redirectAllowList: [] };
    expect(isRedirectAllowed('http://localhost:5173/x', local)).toBe(true);
    expect(isRedirectAllowed('http://localhost.evil.com:3000/x', local)).toBe(false);
  });

  test('never throws, and what is allowed goes where it seems to', () => {
    const only = { siteUrl: 'https://app.example.com', redirectAllowList: [] };
    const nearly = fc.tuple(
      fc.constantFrom('https://', 'https:/', 'http://', '//', ''),
      fc.string(),
      fc.constantFrom('app.example.com', '@app.example.com'),
      fc.string(),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          nearly.map((parts) => parts.join('')),
        ),
        (url) => {
          if (!isRedirectAllowed(url, only)) return;
          expect(new URL(url).origin).toBe('https://app.example.com');
        },
      ),
      { numRuns: 2000 },
    );
  });
});
