import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { ApiError, weakPassword } from '../src/errors.js';
import { renderError, wantsNewErrors } from '../src/http/send-error.js';

const quoted = (text: string) => [...text.matchAll(/'([a-z0-9_]+)'/g)].map(([, code]) => code ?? '');

test('every code that the official client knows is one of ours', async () => {
  const client = dirname(createRequire(import.meta.url).resolve('@supabase/auth-js/package.json'));
  const theirs = quoted(await readFile(join(client, 'dist/module/lib/error-codes.d.ts'), 'utf8'));
  const ours = new Set(quoted(await readFile(new URL('../src/error-codes.ts', import.meta.url), 'utf8')));
  expect(theirs.length).toBeGreaterThan(70);
  // GoTrue itself has given this one up.
  expect(theirs.filter((code) => !ours.has(code))).toEqual(['reauth_nonce_missing']);
});

test.each([
  ['', false],
  ['2023-12-31', false],
  ['2024-01-01', true],
  ['2030-01-01', true],
  ['yesterday', false],
  ['2024-1-1', false],
])('version %j wants the new form: %s', (version, expected) => {
  expect(wantsNewErrors(version)).toBe(expected);
});

test('an error has two forms', () => {
  const error = new ApiError({ status: 403, code: 'otp_expired', message: 'Too late' });
  expect(renderError(error, '')).toEqual({ code: 403, error_code: 'otp_expired', msg: 'Too late' });
  expect(renderError(error, '2024-01-01')).toEqual({ code: 'otp_expired', message: 'Too late' });
  const weak = weakPassword('Longer', ['length']);
  expect(renderError(weak, '')).toMatchObject({ code: 422, weak_password: { reasons: ['length'] } });
  expect(renderError(weak, '2024-01-01')).toMatchObject({
    code: 'weak_password',
    weak_password: { reasons: ['length'] },
  });
});
