import { readFileSync } from 'node:fs';
import { authSettings } from '@holdfast/auth';
import { expect, test } from 'vitest';
import { parseApiConfiguration } from '../src/index.js';

/** What the plan of a cluster writes, secrets named in place of their values. */
function planned(golden: string): string {
  const path = new URL(`../../../packages/components/test/golden/${golden}/api/api.json`, import.meta.url);
  return readFileSync(path, 'utf8');
}

test.each(['default', 'one-member', 'listen-everywhere'])(
  'the program understands what a plan writes: %s',
  (golden) => {
    const configuration = parseApiConfiguration(planned(golden));
    expect(configuration.database).toMatchObject({
      authenticatorPassword: '<secret:authenticator>',
      authAdminPassword: '<secret:supabase-auth-admin>',
    });
    expect(configuration.rest.maxRows).toBe(1000);
    expect(authSettings.parse(configuration.auth)).toMatchObject({
      email: { autoconfirm: true },
      password: { minimumLength: 6 },
      jwt: { expirySeconds: 3600 },
    });
  },
);

test('what it does not know is refused', () => {
  expect(() => parseApiConfiguration('{"hots":"127.0.0.1"}')).toThrow();
  expect(() => parseApiConfiguration('no JSON')).toThrow(SyntaxError);
});
