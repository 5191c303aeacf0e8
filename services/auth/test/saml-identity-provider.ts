import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IdentityProvider, ServiceProvider, setSchemaValidator } from 'samlify';

/** What an assertion says; what is left out is as it should be. */
export interface Statement {
  readonly nameId?: string;
  readonly nameIdFormat?: string;
  readonly attributes?: Readonly<Record<string, readonly string[]>>;
  readonly issuer?: string;
  readonly audience?: string;
  readonly destination?: string;
  readonly recipient?: string;
  readonly inResponseTo?: string;
  readonly assertionId?: string;
  readonly issuedAt?: Date;
  readonly notBefore?: Date;
  readonly notOnOrAfter?: Date;
  readonly sessionEnd?: Date;
  readonly status?: string;
  /** Default: the assertion. */
  readonly sign?: 'assertion' | 'response' | 'both' | 'nothing';
}

export interface SamlIdentityProvider {
  readonly entityId: string;
  readonly metadata: string;
  /** Reads a redirect to it as samlify does, which throws where the signature does not hold. */
  readRequest(url: string): Promise<{ readonly id: string; readonly relayState: string }>;
  /** A response as XML, signed by samlify. */
  respond(statement: Statement): Promise<string>;
}

// Schemas are not checked here: the program under test must not rely on it either.
setSchemaValidator({ validate: async () => 'not checked' });

export const redirectBinding = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';
export const persistentFormat = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';
const success = 'urn:oasis:names:tc:SAML:2.0:status:Success';

/** An RSA key and a certificate of its own, PEM; for a server it names localhost. */
export function makeKeyPair(): { readonly key: string; readonly certificate: string } {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-saml-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  try {
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const subject = ['-nodes', '-days', '2', ...names, '-keyout', key, '-out', certificate];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', ...subject], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), certificate: readFileSync(certificate, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An identity provider that knows a service by its metadata. */
export function samlIdentityProvider(entityId: string, serviceMetadata: string): SamlIdentityProvider {
  const { key, certificate } = makeKeyPair();
  const idp = IdentityProvider({
    entityID: entityId,
    privateKey: key,
    signingCert: certificate,
    isAssertionEncrypted: false,
    wantAuthnRequestsSigned: true,
    nameIDFormat: [persistentFormat],
    singleSignOnService: [{ Binding: redirectBinding, Location: `${entityId}/sign-in?tenant=1` }],
    // Everything is written by the callback below.
    loginResponseTemplate: { context: '<unused/>', attributes: [] },
  });
  const wants = (assertion: boolean, message: boolean) =>
    ServiceProvider({
      metadata: serviceMetadata.replace('WantAssertionsSigned="true"', `WantAssertionsSigned="${assertion}"`),
      wantMessageSigned: message,
    });
  const services = { assertion: wants(true, false), response: wants(false, true), both: wants(true, true) };
  const service = {
    entityId: services.both.entityMeta.getEntityID(),
    acsUrl: String(services.both.entityMeta.getAssertionConsumerService('post')),
  };
  return {
    entityId,
    metadata: idp.getMetadata(),
    async readRequest(url) {
      const { searchParams, search } = new URL(url);
      const query = Object.fromEntries(searchParams);
      const signed = search
        .slice(1)
        .replace(/^tenant=1&/, '')
        .replace(/&Signature=.*$/, '');
      const { extract } = await idp.parseLoginRequest(services.both, 'redirect', { query, octetString: signed });
      return { id: String(extract.request?.id), relayState: query.RelayState ?? '' };
    },
    async respond({ sign = 'assertion', ...statement }) {
      const xml = render(entityId, service, statement);
      if (sign === 'nothing') return xml;
      const { context } = await idp.createLoginResponse(services[sign], { extract: {} }, 'post', {}, () => ({
        id: 'x',
        context: xml,
      }));
      return Buffer.from(context, 'base64').toString();
    },
  };
}

type Content = Omit<Statement, 'sign'>;

function render(entityId: string, service: { readonly entityId: string; readonly acsUrl: string }, content: Content) {
  const now = Date.now();
  const {
    nameId = 'somebody',
    nameIdFormat = persistentFormat,
    attributes = { mail: ['somebody@example.com'] },
    issuer = entityId,
    audience = service.entityId,
    destination = service.acsUrl,
    recipient = service.acsUrl,
    inResponseTo,
    assertionId = `a${randomUUID()}`,
    issuedAt = new Date(now),
    notBefore = new Date(now - 1000),
    notOnOrAfter = new Date(now + 300_000),
    sessionEnd,
    status = success,
  } = content;
  const answers = inResponseTo === undefined ? '' : ` InResponseTo="${inResponseTo}"`;
  const ends = sessionEnd === undefined ? '' : ` SessionNotOnOrAfter="${sessionEnd.toISOString()}"`;
  const values = Object.entries(attributes).map(
    ([name, each]) =>
      `<saml:Attribute Name="${name}">${each.map((value) => `<saml:AttributeValue>${value}</saml:AttributeValue>`).join('')}</saml:Attribute>`,
  );
  return `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" \
ID="r${randomUUID()}" Version="2.0" IssueInstant="${issuedAt.toISOString()}" Destination="${destination}"${answers}>\
<saml:Issuer>${issuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="${status}"/></samlp:Status>\
<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${assertionId}" Version="2.0" IssueInstant="${issuedAt.toISOString()}">\
<saml:Issuer>${issuer}</saml:Issuer><saml:Subject><saml:NameID Format="${nameIdFormat}">${nameId}</saml:NameID>\
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">\
<saml:SubjectConfirmationData NotOnOrAfter="${notOnOrAfter.toISOString()}" Recipient="${recipient}"${answers}/></saml:SubjectConfirmation></saml:Subject>\
<saml:Conditions NotBefore="${notBefore.toISOString()}" NotOnOrAfter="${notOnOrAfter.toISOString()}">\
<saml:AudienceRestriction><saml:Audience>${audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
<saml:AuthnStatement AuthnInstant="${issuedAt.toISOString()}"${ends}><saml:AuthnContext>\
<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>\
<saml:AttributeStatement>${values.join('')}</saml:AttributeStatement></saml:Assertion></samlp:Response>`;
}
