import type { VerifiedResponse } from './verify-response.js';
import { attribute, children, textIn } from './xml.js';

export interface Expectation {
  /** Whose metadata the keys are from. */
  readonly issuer: string;
  /** Our own entity id. */
  readonly audience: string;
  /** Where answers are taken. */
  readonly acsUrl: string;
  /** The request that this answers; undefined: the identity provider began. */
  readonly requestId: string | undefined;
  readonly now: Date;
}

export type AssertionVerdict =
  | {
      readonly valid: true;
      readonly id: string;
      /** When the session at the identity provider ends, where it says so. */
      readonly sessionEnd: Date | undefined;
    }
  | { readonly valid: false; readonly fault: string };

/** Milliseconds that clocks may differ. */
const clockSkew = 180_000;

/** How old an assertion may be when it comes. Milliseconds. */
export const longestDelay = 90_000;

/** Until then an assertion cannot be used again, whatever it says. Milliseconds from when it came. */
export const replayWindow = longestDelay + 2 * clockSkew;

const success = 'urn:oasis:names:tc:SAML:2.0:status:Success';
const bearer = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';

/**
 * Whether an assertion whose signature holds is for us, now, and the answer to what was asked (SAML 2.0 Profiles, 4.1.4.2 and 4.1.4.3; Bindings, 3.5.5.2).
 * That it was not used before is for the database to say.
 */
export function judgeAssertion(verified: VerifiedResponse, expected: Expectation): AssertionVerdict {
  const fault = responseFault(verified, expected) ?? assertionFault(verified.assertion, expected);
  if (fault !== undefined) return { valid: false, fault };
  const ends = children(verified.assertion, 'assertion', 'AuthnStatement')
    .map((statement) => timeOf(statement, 'SessionNotOnOrAfter'))
    .filter((time) => time !== undefined);
  const end = ends.length === 0 ? undefined : Math.min(...ends);
  if (end !== undefined && !(end > expected.now.getTime())) return { valid: false, fault: 'the session is over' };
  return {
    valid: true,
    id: attribute(verified.assertion, 'ID'),
    sessionEnd: end === undefined ? undefined : new Date(end),
  };
}

function responseFault({ response, assertion }: VerifiedResponse, expected: Expectation): string | undefined {
  const { element, signed } = response;
  const destination = attribute(element, 'Destination');
  if (destination === '' ? signed : destination !== expected.acsUrl) return 'the destination is another one';
  const answers = attribute(element, 'InResponseTo');
  if (answers !== '' && answers !== expected.requestId) return 'it answers another request';
  const [issuer] = children(element, 'assertion', 'Issuer');
  if (issuer !== undefined && textIn(issuer) !== textIn(children(assertion, 'assertion', 'Issuer')[0])) {
    return 'response and assertion have different issuers';
  }
  const [status] = children(element, 'protocol', 'Status');
  const [code] = status === undefined ? [] : children(status, 'protocol', 'StatusCode');
  return attribute(code, 'Value') === success ? undefined : 'the status is not Success';
}

function assertionFault(assertion: Element, expected: Expectation): string | undefined {
  const now = expected.now.getTime();
  if (attribute(assertion, 'Version') !== '2.0') return 'the version is not 2.0';
  if (textIn(children(assertion, 'assertion', 'Issuer')[0]) !== expected.issuer) return 'the issuer is another one';
  const issued = timeOf(assertion, 'IssueInstant') ?? Number.NaN;
  if (!(issued > now - longestDelay - clockSkew)) return 'it was issued too long ago';
  if (!(issued < now + clockSkew)) return 'it was issued in the future';
  const [conditions, ...others] = children(assertion, 'assertion', 'Conditions');
  if (conditions === undefined || others.length > 0) return 'it has no conditions';
  if (!isWithin(conditions, now)) return 'it is expired or not valid yet';
  const restrictions = children(conditions, 'assertion', 'AudienceRestriction');
  const meant = restrictions.every((restriction) =>
    children(restriction, 'assertion', 'Audience').some((audience) => textIn(audience) === expected.audience),
  );
  if (restrictions.length === 0 || !meant) return 'the audience is another one';
  const [subject] = children(assertion, 'assertion', 'Subject');
  const confirmations = subject === undefined ? [] : children(subject, 'assertion', 'SubjectConfirmation');
  if (!confirmations.some((confirmation) => isConfirmed(confirmation, expected))) {
    return 'no confirmation of the subject is for this service, this request and this time';
  }
  return children(assertion, 'assertion', 'AuthnStatement').length === 0 ? 'nobody signed in' : undefined;
}

function isConfirmed(confirmation: Element, { acsUrl, requestId, now }: Expectation): boolean {
  const [data] = children(confirmation, 'assertion', 'SubjectConfirmationData');
  return (
    attribute(confirmation, 'Method') === bearer &&
    data !== undefined &&
    attribute(data, 'Recipient') === acsUrl &&
    attribute(data, 'InResponseTo') === (requestId ?? '') &&
    attribute(data, 'NotOnOrAfter') !== '' &&
    isWithin(data, now.getTime())
  );
}

/** NotBefore and NotOnOrAfter, each where it is there; one that is no time is never met. */
function isWithin(element: Element, now: number): boolean {
  const start = timeOf(element, 'NotBefore') ?? Number.NEGATIVE_INFINITY;
  const end = timeOf(element, 'NotOnOrAfter') ?? Number.POSITIVE_INFINITY;
  return now + clockSkew >= start && now - clockSkew < end;
}

/** Milliseconds; undefined where it is missing, not a number where it is no time in UTC. */
function timeOf(element: Element, name: string): number | undefined {
  const text = attribute(element, name);
  if (text === '') return undefined;
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text) ? Date.parse(text) : Number.NaN;
}
