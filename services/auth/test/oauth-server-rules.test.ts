import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCredentials } from '../src/oauth-server/authenticate-client.js';
import { planClient, planClientUpdate, registrationBody } from '../src/oauth-server/client-registration.js';
import { hashClientSecret, isClientSecret, newClientSecret } from '../src/oauth-server/client-secret.js';
import { judgeAuthorization, withParameters } from '../src/oauth-server/judge-authorization.js';
import { judgeRedirectUri } from '../src/oauth-server/judge-redirect-uri.js';
import { coversScopes, parseScopes } from '../src/oauth-server/scopes.js';
import { readMetadata } from '../src/saml/identity-provider.js';

describe('redirect URIs', () => {
  test('that can be registered', () => {
    for (const uri of [
      'https://app.example/cb?x=1',
      'http://localhost:3000',
      'http://127.0.0.1/',
      'http://[::1]:1/',
      'com.app://done',
    ]) {
      expect(judgeRedirectUri(uri), uri).toBeUndefined();
    }
  });

  test('that cannot', () => {
    for (const uri of [
      '',
      'relative',
      'https://',
      'http://app.example',
      'https://app.example/#f',
      'https://a.example,https://b.example',
      'https://user@app.example',
      'javascript:alert(1)',
      'JaVaScRiPt://x',
      'data:text/html,x',
      'file:///etc/passwd',
      'https://app.example\\@evil.example',
      'https://app.example/\n',
      `https://app.example/${'x'.repeat(2048)}`,
    ]) {
      expect(judgeRedirectUri(uri), uri).toBeTypeOf('string');
    }
  });
});

describe('registration', () => {
  const parse = (body: unknown) => registrationBody.parse(body);

  test('the type follows from how the client proves itself', () => {
    const uris = { redirect_uris: ['https://app.example/'] };
    expect(planClient(parse(uris))).toMatchObject({
      client_type: 'confidential',
      token_endpoint_auth_method: 'client_secret_basic',
    });
    expect(planClient(parse({ ...uris, token_endpoint_auth_method: 'none' }))).toMatchObject({ client_type: 'public' });
    expect(planClient(parse({ ...uris, client_type: 'public' }))).toMatchObject({ token_endpoint_auth_method: 'none' });
  });

  test('an update changes what is given, and never the type', () => {
    expect(planClientUpdate(parse({ client_name: 'x', client_type: 'public' }), 'confidential')).toEqual({
      client_name: 'x',
    });
    expect(() => planClientUpdate(parse({}), 'confidential')).toThrow('No fields');
    expect(() => planClientUpdate(parse({ redirect_uris: [] }), 'confidential')).toThrow('empty');
    expect(() => planClientUpdate(parse({ token_endpoint_auth_method: 'none' }), 'confidential')).toThrow('not valid');
  });
});

test('secrets are compared by their hash', () => {
  const secret = newClientSecret();
  expect(isClientSecret(secret, hashClientSecret(secret))).toBe(true);
  expect(isClientSecret(`${secret}x`, hashClientSecret(secret))).toBe(false);
  expect(isClientSecret('', '')).toBe(false);
});

test('credentials in the header go before those in the body', () => {
  const header = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
  expect(readCredentials(header('id:se:cret'), { client_id: 'other' })).toEqual({ id: 'id', secret: 'se:cret' });
  expect(readCredentials('', { client_id: 'id' })).toEqual({ id: 'id', secret: '' });
  expect(() => readCredentials(header('no colon'), {})).toThrow();
  expect(() => readCredentials('Bearer x', {})).toThrow('client_id is required');
});

test('authorization requests', () => {
  const good = {
    responseType: 'code',
    scope: 'openid email',
    state: '',
    resource: '',
    codeChallenge: 'x'.repeat(43),
    codeChallengeMethod: 'S256',
    nonce: '',
  };
  expect(judgeAuthorization(good)).toBeUndefined();
  for (const bad of [
    { responseType: 'token' },
    { scope: ' ' },
    { scope: 'admin' },
    { codeChallenge: '' },
    { codeChallengeMethod: '' },
    { codeChallenge: 'x'.repeat(129) },
    { resource: 'https://x.example/?q' },
    { nonce: 'x'.repeat(256) },
    { state: 'x'.repeat(4097) },
  ]) {
    expect(judgeAuthorization({ ...good, ...bad }), JSON.stringify(bad).slice(0, 80)).toBeTypeOf('string');
  }
  expect(withParameters('https://a.example/?x=1', { code: 'c', state: '' })).toBe('https://a.example/?x=1&code=c');
});

test('scopes', () => {
  expect(parseScopes(' openid  email openid ')).toEqual(['openid', 'email']);
  expect(coversScopes('openid email', 'email')).toBe(true);
  expect(coversScopes('email', 'openid email')).toBe(false);
});

describe('SAML metadata', () => {
  const xml = (inner: string, entity = 'entityID="https://idp.example"') =>
    `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ${entity}>${inner}</md:EntityDescriptor>`;
  const role = '<md:IDPSSODescriptor/>';

  test('whose it is, with one role', () => {
    expect(readMetadata(xml(role))).toMatchObject({ valid: true, entityId: 'https://idp.example' });
    expect(
      readMetadata(`<?xml version="1.0"?>${xml(`<!-- <IDPSSODescriptor/> -->${role}<![CDATA[<IDPSSODescriptor/>]]>`)}`)
        .valid,
    ).toBe(true);
    expect(readMetadata(xml(role, "entityID='a&amp;b'"))).toMatchObject({ valid: true, entityId: 'a&b' });
  });

  test('what is refused', () => {
    for (const bad of [
      '',
      'text',
      xml(''),
      xml(role + role),
      xml(role, ''),
      xml(role).repeat(2),
      `<!DOCTYPE a>${xml(role)}`,
      '<a',
      '<!-- no end',
      `${xml(role)}<${'a'.repeat(20_000)}`,
    ]) {
      expect(readMetadata(bad).valid, bad.slice(0, 60)).toBe(false);
    }
  });

  test('no text makes it fail, or take long', () => {
    const started = Date.now();
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(
            '<',
            '>',
            '"',
            "'",
            '=',
            ' a',
            '<EntityDescriptor entityID="x">',
            '<!--',
            '<?',
            '/',
            '<a b="c" ',
          ),
          { maxLength: 200 },
        ),
        (parts) => {
          readMetadata(parts.join(''));
        },
      ),
    );
    readMetadata(`<a ${'b="c" '.repeat(50_000)}`);
    readMetadata('<a '.repeat(100_000));
    expect(Date.now() - started).toBeLessThan(15_000);
  });
});
