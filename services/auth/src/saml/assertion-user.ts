import { oneEmail, type ProviderClaims, type ProviderUser } from '../providers/provider-user.js';
import { attribute, children, textIn } from './xml.js';

/** How attributes become claims, as /admin/sso/providers takes it. */
export type AttributeMapping = Readonly<Record<string, unknown>>;

interface KeyMapping {
  readonly name?: unknown;
  readonly names?: unknown;
  readonly default?: unknown;
  readonly array?: unknown;
}

const formats = {
  email: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
  transient: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient',
};

const subjectId = 'urn:oasis:names:tc:SAML:attribute:subject-id';

/** Under which names directories send addresses. */
const emailAttributes = [
  'urn:oid:0.9.2342.19200300.100.1.3',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress',
  'http://schemas.xmlsoap.org/claims/EmailAddress',
  'mail',
  'Mail',
  'email',
];

/** Claims that have a place of their own; others become custom claims. */
const standardClaims: ReadonlySet<string> = new Set([
  'name',
  'family_name',
  'given_name',
  'middle_name',
  'nickname',
  'preferred_username',
  'profile',
  'picture',
  'website',
  'gender',
  'birthdate',
  'zoneinfo',
  'locale',
  'updated_at',
  'phone',
  'full_name',
  'avatar_url',
  'slug',
  'provider_id',
  'user_name',
]);

/** Whom an assertion names (supabase/auth, internal/api/samlassertion.go); '' for the subject or no address where it names none. */
export function assertionUser(assertion: Element, issuer: string, mapping: AttributeMapping | null): ProviderUser {
  const attributes = readAttributes(assertion);
  const name = nameId(assertion);
  const mapped = applyMapping(attributes, mapping);
  const { email: mappedEmail, ...claims } = mapped;
  const email =
    (typeof mappedEmail === 'string' ? mappedEmail : '') ||
    (emailAttributes.flatMap((each) => valuesOf(attributes, each)).find((value) => value !== '') ?? '') ||
    (name.format === formats.email ? name.value : '');
  const entries = Object.entries(claims);
  const isStandard = ([claim, value]: readonly [string, unknown]) =>
    standardClaims.has(claim) && typeof value === 'string';
  const others = entries.filter((entry) => !isStandard(entry));
  return {
    emails: oneEmail(email.trim().toLowerCase(), true),
    claims: {
      ...(Object.fromEntries(entries.filter(isStandard)) as Partial<ProviderClaims>),
      iss: issuer,
      sub: valuesOf(attributes, subjectId)[0] || persistentId(name),
      ...(others.length === 0 ? {} : { custom_claims: Object.fromEntries(others) }),
    },
  };
}

interface NamedValues {
  readonly names: readonly string[];
  readonly values: readonly string[];
}

function readAttributes(assertion: Element): readonly NamedValues[] {
  return children(assertion, 'assertion', 'AttributeStatement')
    .flatMap((statement) => children(statement, 'assertion', 'Attribute'))
    .map((each) => ({
      names: [attribute(each, 'Name'), attribute(each, 'FriendlyName')],
      values: children(each, 'assertion', 'AttributeValue').map(textIn),
    }));
}

function valuesOf(attributes: readonly NamedValues[], name: string): readonly string[] {
  return attributes.filter(({ names }) => names.includes(name)).flatMap(({ values }) => values);
}

function nameId(assertion: Element): { readonly format: string; readonly value: string } {
  const [subject] = children(assertion, 'assertion', 'Subject');
  const [element] = subject === undefined ? [] : children(subject, 'assertion', 'NameID');
  return { format: attribute(element, 'Format'), value: textIn(element) };
}

/** A transient name says nothing about who comes next time. */
function persistentId({ format, value }: { readonly format: string; readonly value: string }): string {
  if (format === formats.transient) return '';
  return format === formats.email ? value.toLowerCase() : value;
}

function applyMapping(
  attributes: readonly NamedValues[],
  mapping: AttributeMapping | null,
): Readonly<Record<string, unknown>> {
  const keys = Object.entries((mapping?.keys ?? {}) as Readonly<Record<string, KeyMapping | null>>);
  return Object.fromEntries(
    keys.map(([key, rule]) => [key, mappedValue(attributes, rule ?? {})]).filter(([, value]) => value !== undefined),
  );
}

function mappedValue(
  attributes: readonly NamedValues[],
  { name, names, default: fallback, array }: KeyMapping,
): unknown {
  const wanted = [name, ...(Array.isArray(names) ? names : [])].filter((each) => typeof each === 'string');
  const found = wanted
    .map((each) => valuesOf(attributes, each).filter((value) => value !== ''))
    .find((values) => values.length > 0);
  if (found === undefined) return fallback ?? undefined;
  return array === true ? found : found[0];
}
