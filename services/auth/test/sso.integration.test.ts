import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postgresBin, startAuth, startDatabase, type TestAuth, type TestDatabase } from './harness.js';

const metadata = (entity: string) => `<?xml version="1.0"?>
<!-- of the test -->
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${entity}">
  <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>`;

describe.skipIf(postgresBin === undefined)('single sign-on', () => {
  let database: TestDatabase;
  let auth: TestAuth;
  let token: string;

  beforeAll(async () => {
    database = await startDatabase();
    auth = await startAuth(database);
    token = await auth.token('service_role');
  });
  afterAll(async () => {
    await auth?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  const create = async (body: unknown) => await auth.call('POST', '/admin/sso/providers', { token, body });

  test('SAML is disabled', async () => {
    const { error } = await auth.client().signInWithSSO({ domain: 'example.com' });
    expect(error).toMatchObject({ code: 'saml_provider_disabled', message: 'SAML 2.0 is disabled', status: 404 });
    expect((await auth.call('GET', '/sso/saml/metadata')).status).toBe(404);
    expect((await auth.call('POST', '/sso/saml/acs', { body: {} })).body.error_code).toBe('saml_provider_disabled');
  });

  test('providers are kept, changed and deleted', async () => {
    const xml = metadata('https://idp.example/one');
    const made = await create({
      type: 'saml',
      metadata_xml: xml,
      domains: ['example.com', 'EXAMPLE.org'],
      attribute_mapping: { keys: { email: { name: 'mail' } } },
    });
    expect(made).toMatchObject({
      status: 201,
      body: {
        disabled: false,
        saml: {
          entity_id: 'https://idp.example/one',
          metadata_xml: xml,
          attribute_mapping: { keys: { email: { name: 'mail' } } },
        },
        domains: [{ domain: 'example.com' }, { domain: 'example.org' }],
      },
    });
    const path = `/admin/sso/providers/${made.body.id}`;
    const listed = await auth.call('GET', '/admin/sso/providers', { token });
    expect(listed.body).toMatchObject({ items: [{ id: made.body.id }] });
    expect(JSON.stringify(listed.body)).not.toContain('EntityDescriptor');
    const changed = await auth.call('PUT', path, {
      token,
      body: { domains: ['example.net', 'example.org'], resource_id: 'main' },
    });
    expect(changed.body).toMatchObject({
      resource_id: 'main',
      domains: [{ domain: 'example.net' }, { domain: 'example.org' }],
    });
    const named = await auth.call('GET', '/admin/sso/providers/resource_MAIN', { token });
    expect(named.body).toMatchObject({ id: made.body.id, saml: { metadata_xml: xml } });
    const moved = await auth.call('PUT', path, {
      token,
      body: { metadata_xml: metadata('https://idp.example/other') },
    });
    expect(moved).toMatchObject({ status: 400, body: { error_code: 'saml_entity_id_mismatch' } });
    const twice = await create({ type: 'saml', metadata_xml: xml });
    expect(twice).toMatchObject({ status: 422, body: { error_code: 'saml_idp_already_exists' } });
    const second = { type: 'saml', metadata_xml: metadata('https://idp.example/two') };
    expect(await create({ ...second, domains: ['Example.NET'] })).toMatchObject({
      status: 400,
      body: { error_code: 'sso_domain_already_exists' },
    });
    expect(await create({ ...second, resource_id: 'Main' })).toMatchObject({
      status: 422,
      body: { error_code: 'conflict' },
    });
    expect((await auth.call('DELETE', path, { token })).body).toMatchObject({ id: made.body.id });
    expect((await auth.call('GET', path, { token })).body.error_code).toBe('sso_provider_not_found');
  });

  test('requests that are refused', async () => {
    const xml = metadata('https://idp.example/refused');
    for (const bad of [
      { type: 'oidc', metadata_xml: xml },
      { type: 'saml' },
      { type: 'saml', metadata_xml: xml, metadata_url: 'https://idp.example/metadata' },
      { type: 'saml', metadata_url: 'http://idp.example/metadata' },
      { type: 'saml', metadata_url: 'nowhere' },
      { type: 'saml', metadata_xml: xml, name_id_format: 'my own' },
      { type: 'saml', metadata_xml: xml, domains: ['not a domain'] },
      { type: 'saml', metadata_xml: '<a' },
      { type: 'saml', metadata_xml: `<!DOCTYPE x [<!ENTITY a "b">]>${xml}` },
      { type: 'saml', metadata_xml: xml.replaceAll('IDPSSODescriptor', 'SPSSODescriptor') },
    ]) {
      expect(await create(bad), JSON.stringify(bad)).toMatchObject({
        status: 400,
        body: { error_code: 'validation_failed' },
      });
    }
    for (const url of ['https://127.0.0.1:9/metadata', 'https://localhost/metadata']) {
      const inner = await create({ type: 'saml', metadata_url: url });
      expect(inner).toMatchObject({ status: 400, body: { error_code: 'saml_metadata_fetch_failed' } });
    }
    expect((await auth.call('GET', '/admin/sso/providers')).status).toBe(401);
    expect((await auth.call('GET', '/admin/sso/providers', { token: await auth.token('anon') })).status).toBe(403);
    expect((await auth.call('GET', '/admin/sso/providers/nobody', { token })).status).toBe(404);
  });
});
