import { createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { SignedXml } from 'xml-crypto';
import { assertionUser } from '../src/saml/assertion-user.js';
import { readMetadata } from '../src/saml/identity-provider.js';
import { serviceMetadata } from '../src/saml/service-provider.js';
import { verifyResponse } from '../src/saml/verify-response.js';
import { authSettings } from '../src/settings/schema.js';
import { makeKeyPair, type SamlIdentityProvider, samlIdentityProvider } from './saml-identity-provider.js';

const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const enveloped = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature';
const sha256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
const rsaSha256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
const rootTag = /<samlp:Response[^>]*>/;
const assertionOf = (xml: string) => /<saml:Assertion .*<\/saml:Assertion>/s.exec(xml)?.[0] ?? '';
const signatureOf = (xml: string) => /<ds:Signature .*<\/ds:Signature>/s.exec(xml)?.[0] ?? '';

describe('what of a response counts', () => {
  let idp: SamlIdentityProvider;
  let certificates: readonly string[];
  /** Signed, about the victim's own account. */
  let honest: string;
  /** The same form without a signature, about an administrator. */
  let forged: string;
  const keys = makeKeyPair();

  beforeAll(async () => {
    idp = samlIdentityProvider('https://idp.example/one', await serviceMetadata(authSettings.parse({}), undefined));
    const metadata = readMetadata(idp.metadata);
    if (!metadata.valid) throw new Error(metadata.fault);
    certificates = metadata.certificates;
    honest = await idp.respond({ nameId: 'me', assertionId: 'signed' });
    forged = await idp.respond({ nameId: 'admin', assertionId: 'forged', sign: 'nothing' });
  });

  const subject = (xml: string, by: readonly string[] = certificates) => {
    const verdict = verifyResponse(xml, by);
    return verdict.valid ? assertionUser(verdict.assertion, 'x', null).claims.sub : verdict.fault;
  };

  /** Signs what the XPath names as an identity provider might, and puts the signature into the assertion. */
  function signBy(
    xml: string,
    options: {
      readonly xpath?: string;
      readonly algorithm?: string;
      readonly digest?: string;
      readonly transforms?: readonly string[];
      readonly key?: string;
      readonly hmac?: boolean;
    } = {},
  ) {
    const signer = new SignedXml({
      privateKey: options.key ?? keys.key,
      signatureAlgorithm: options.algorithm ?? rsaSha256,
      canonicalizationAlgorithm: exclusive,
    });
    if (options.hmac === true) signer.enableHMAC();
    signer.addReference({
      xpath: options.xpath ?? "//*[local-name(.)='Assertion']",
      digestAlgorithm: options.digest ?? sha256,
      transforms: [...(options.transforms ?? [enveloped, exclusive])],
    });
    const location = {
      reference: "//*[local-name(.)='Assertion']/*[local-name(.)='Issuer']",
      action: 'after',
    } as const;
    signer.computeSignature(xml, { prefix: 'ds', location });
    return signer.getSignedXml();
  }

  test('what was signed, in every form', async () => {
    expect(subject(honest)).toBe('me');
    for (const sign of ['response', 'both'] as const)
      expect(subject(await idp.respond({ nameId: sign, sign }))).toBe(sign);
    expect(subject(signBy(forged), [certificates[0] ?? '', keys.certificate])).toBe('admin');
    expect(subject(forged)).toMatch(/neither/);
    expect(subject(honest, [])).toMatch(/does not hold/);
  });

  test('an assertion that is wrapped around, put before, behind or into a signed one does not', () => {
    const [root = ''] = rootTag.exec(forged) ?? [];
    const evil = assertionOf(forged);
    const good = assertionOf(honest);
    const bare = good.replace(signatureOf(good), '');
    const signature = signatureOf(good);
    const inEvil = (what: string) => evil.replace('</saml:Issuer>', `</saml:Issuer>${what}`);
    const object = (what: string) =>
      signature.replace('</ds:Signature>', `<ds:Object>${what}</ds:Object></ds:Signature>`);
    const wrappings = {
      before: honest.replace(good, evil + good),
      behind: honest.replace(good, good + evil),
      'as its parent': honest.replace(good, inEvil(good)),
      'with its signature': honest.replace(good, inEvil(signature)),
      'with its signature, the signed one beside': honest.replace(good, inEvil(signature) + bare),
      'with the signed one in the signature': honest.replace(good, inEvil(object(bare))),
      'with the signed one in extensions': honest.replace(good, `<samlp:Extensions>${good}</samlp:Extensions>${evil}`),
      'with the same ID': honest.replace(good, evil.replace('"forged"', '"signed"') + good),
      'in a response around the response': `${root}${evil}${honest}</samlp:Response>`,
      'in another namespace': honest.replace(good, good + evil.replaceAll('saml:Assertion', 'samlp:Assertion')),
      'with a signed one that is called otherwise': honest.replace(
        good,
        inEvil(signature) + bare.replaceAll('saml:Assertion', 'x'),
      ),
    };
    for (const [name, xml] of Object.entries(wrappings)) {
      expect(subject(xml), name).toMatch(/^(the |a |two |neither )/);
      expect(verifyResponse(xml, certificates).valid, name).toBe(false);
    }
  });

  test('nor one that carries a signature over something else', () => {
    const other = forged.replace('<samlp:Status>', '<samlp:Extensions ID="other"/><samlp:Status>');
    const elsewhere = signBy(other, { xpath: "//*[local-name(.)='Extensions']", transforms: [exclusive] });
    expect(elsewhere).toContain('URI="#other"');
    expect(subject(elsewhere, [keys.certificate])).toMatch(/does not hold/);
    const whole = signBy(forged, { xpath: "/*[local-name(.)='Response']" });
    expect(subject(whole, [keys.certificate])).toMatch(/does not hold/);
  });

  test('a signature by a weak algorithm, a shared secret or a key that the message brings does not hold', () => {
    const weak = 'http://www.w3.org/2000/09/xmldsig#';
    for (const options of [{ algorithm: `${weak}rsa-sha1` }, { digest: `${weak}sha1` }]) {
      expect(subject(signBy(forged, options), [keys.certificate])).toMatch(/does not hold/);
    }
    const secret = createPublicKey(keys.certificate).export({ format: 'pem', type: 'spki' }).toString();
    for (const key of [secret, keys.certificate]) {
      const xml = signBy(forged, { algorithm: `${weak}hmac-sha1`, key, hmac: true });
      expect(subject(xml, [keys.certificate])).toMatch(/does not hold/);
    }
    const brought = `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>${keys.certificate.replaceAll(/-----.*-----|\n/g, '')}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>`;
    const own = signBy(forged).replace('</ds:Signature>', brought);
    expect(own).toContain('X509Certificate');
    expect(subject(own)).toMatch(/does not hold/);
  });

  test('comments part no names', async () => {
    const commented = honest.replace('>me<', '>m<!-- -->e<');
    expect(subject(commented)).toBe('me');
    const signed = await idp.respond({ nameId: 'admin<!-- -->@example.com' });
    expect(subject(signed)).toBe('admin@example.com');
  });

  test('documents with a type are not read, whatever they define', () => {
    for (const type of [
      '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
      '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
      '<!DOCTYPE x>',
    ]) {
      expect(subject(type + honest)).toMatch(/well-formed/);
    }
    expect(subject(honest.replace('>me<', '>&e;<'))).toMatch(/well-formed|does not hold/);
  });

  test('no change of a character makes another person of it', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: honest.length - 1 }),
        fc.oneof(fc.constantFrom('<', '>', '"', '/', '', ' ', '\u0000'), fc.string({ maxLength: 3 })),
        (at, by) => {
          const changed = `${honest.slice(0, at)}${by}${honest.slice(at + 1)}`;
          const verdict = verifyResponse(changed, certificates);
          if (verdict.valid) expect(assertionUser(verdict.assertion, 'x', null).claims.sub).toBe('me');
        },
      ),
      { numRuns: 300 },
    );
  });
});
