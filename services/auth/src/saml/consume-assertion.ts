import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AuthContext } from '../context.js';
import { ApiError, badRequest, internalError, notFound, unprocessable, validationFailed } from '../errors.js';
import { newcomer } from '../external/handle-callback.js';
import { codeRedirect, errorRedirect, tokenRedirect } from '../external/redirect-answer.js';
import { retryOnce } from '../external/retry-once.js';
import { type ExternalIdentity, isNewcomer, settleIdentity } from '../external/settle-identity.js';
import { clientAddress } from '../http/client-address.js';
import { isUuid, optionalString, parseBody } from '../http/parse-body.js';
import { isRedirectAllowed } from '../redirects/resolve-redirect.js';
import { startSession } from '../sessions/start-session.js';
import { tokenResponse } from '../sessions/token-response.js';
import { type FlowState, findFlowStateForUpdate, updateFlowState } from '../store/flow-states.js';
import { askOne, type Run } from '../store/query.js';
import { deleteRelayState, findRelayState, type SamlRelayState, useAssertion } from '../store/saml-relay-states.js';
import { findSsoProvider, findSsoProviderByEntity, type SsoProvider } from '../store/sso-providers.js';
import { afterUserCreated, beforeUserCreated } from '../users/user-hooks.js';
import { assertionUser } from './assertion-user.js';
import { currentMetadata } from './current-metadata.js';
import { judgeAssertion } from './judge-assertion.js';
import { serviceUrls } from './service-provider.js';
import { verifyResponse } from './verify-response.js';
import { children, parseXml, textIn } from './xml.js';

const body = z.object({ SAMLResponse: optionalString, RelayState: optionalString });

/** POST /sso/saml/acs: where to send the person, with a code, tokens, or what went wrong. */
export async function consumeAssertion(request: FastifyRequest, context: AuthContext): Promise<string> {
  try {
    return await signIn(request, context);
  } catch (error) {
    const expected = error instanceof ApiError && error.status < 500;
    if (expected) context.log.info(`SAML: ${error.message}`);
    else context.log.error({ err: error }, 'signing in by SAML failed');
    return errorRedirect(context.settings.siteUrl, error, { fragment: true });
  }
}

async function signIn(request: FastifyRequest, context: AuthContext): Promise<string> {
  const { SAMLResponse: encoded, RelayState: relay } = parseBody(request, body);
  if (encoded === '') throw validationFailed('SAMLResponse is missing');
  const xml = decode(encoded);
  const relayState = isUuid(relay) ? await openRelayState(context, relay) : undefined;
  const provider = await findIssuer(context, xml, relayState);
  const { entityId, certificates } = await currentMetadata(context, provider);
  const urls = serviceUrls(context.settings);
  const verified = verifyResponse(xml, certificates);
  if (!verified.valid) throw invalid(verified.fault);
  const verdict = judgeAssertion(verified, {
    issuer: entityId,
    audience: urls.entityId,
    acsUrl: urls.acsUrl,
    requestId: relayState?.request_id,
    now: context.now(),
  });
  if (!verdict.valid) throw invalid(verdict.fault);

  const user = assertionUser(verified.assertion, entityId, provider.saml.attribute_mapping);
  const identity = { provider: `sso:${provider.id}`, user, emailOptional: false };
  requireNamed(identity);
  if (await isNewcomer(context, identity)) await beforeUserCreated(context, request, newcomer(identity));
  const client = clientAddress(request);
  const { settled, started, flow } = await retryOnce(() =>
    context.transaction(async (run) => {
      await takeOnce(run, context, provider, verdict.id, relayState);
      const settled = await settleIdentity(run, context, client, identity);
      const flow = await continueFlow(run, context, relayState, settled.user.id);
      if (flow !== undefined) return { settled, flow, started: undefined };
      const notAfter = verdict.sessionEnd === undefined ? {} : { notAfter: verdict.sessionEnd };
      const started = await startSession(run, context, { user: settled.user, method: 'sso/saml', client, ...notAfter });
      return { settled, flow, started };
    }),
  );
  if (settled.created) await afterUserCreated(context, request, settled.user);
  const target = redirectTarget(context, relayState?.redirect_to ?? relay);
  if (flow !== undefined) return codeRedirect(target, flow.auth_code ?? '');
  if (started === undefined) throw internalError('no session was begun');
  const { access_token, expires_at, expires_in, refresh_token, token_type } = await tokenResponse(
    context,
    started,
    'sso/saml',
  );
  return tokenRedirect(target, { access_token, expires_at, expires_in, refresh_token, token_type });
}

function invalid(fault: string): ApiError {
  return badRequest('validation_failed', `SAML Assertion is not valid: ${fault}`);
}

function decode(encoded: string): string {
  const bytes = Buffer.from(encoded.replaceAll(/\s/g, ''), 'base64');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw validationFailed('SAMLResponse is not UTF-8 in base64');
  }
}

/** Where the identity provider began, the relay state is a URL of its choice, or nothing. */
async function openRelayState(context: AuthContext, id: string): Promise<SamlRelayState> {
  const [found] = await context.read(findRelayState(id));
  if (found === undefined || found.request_id.startsWith(' ')) {
    throw notFound('saml_relay_state_not_found', 'SAML RelayState does not exist, try logging in again?');
  }
  const age = context.now().getTime() - Date.parse(found.created_at ?? '');
  if (!(age <= context.settings.saml.relayStateExpirySeconds * 1000)) {
    throw unprocessable('saml_relay_state_expired', 'SAML RelayState has expired. Try logging in again?');
  }
  return found;
}

/** Whose keys to check with: a hint that is not signed yet, and is compared with what was afterwards. */
async function findIssuer(
  context: AuthContext,
  xml: string,
  relayState: SamlRelayState | undefined,
): Promise<SsoProvider> {
  const root = parseXml(xml);
  const [issuer] = root === undefined ? [] : children(root, 'assertion', 'Issuer');
  const [assertion] = root === undefined ? [] : children(root, 'assertion', 'Assertion');
  const named = textIn(issuer) || textIn(assertion && children(assertion, 'assertion', 'Issuer')[0]);
  const find = relayState === undefined ? findSsoProviderByEntity(named) : findSsoProvider(relayState.sso_provider_id);
  const [provider] = await context.read(find);
  if (provider === undefined) {
    const message = 'A SAML connection has not been established with this Identity Provider';
    throw notFound('saml_idp_not_found', message);
  }
  if (provider.disabled) throw unprocessable('sso_provider_disabled', 'SSO provider is disabled');
  return provider;
}

function requireNamed({ user }: ExternalIdentity): void {
  if (user.claims.sub === '') {
    const message =
      'SAML Assertion did not contain a persistent Subject Identifier attribute or Subject NameID uniquely identifying this user';
    throw badRequest('saml_assertion_no_user_id', message);
  }
  if (user.emails.length === 0) {
    throw badRequest('saml_assertion_no_email', 'SAML Assertion does not contain an email address');
  }
}

/** Neither an answer nor a request serves twice, also where two come at once. */
async function takeOnce(
  run: Run,
  context: AuthContext,
  provider: SsoProvider,
  assertionId: string,
  relayState: SamlRelayState | undefined,
): Promise<void> {
  if ((await askOne(run, useAssertion(provider.id, assertionId, context.now()))) === 0) {
    throw invalid('it was used before');
  }
  if (relayState !== undefined && (await askOne(run, deleteRelayState(relayState.id))) === 0) {
    throw notFound('saml_relay_state_not_found', 'SAML RelayState does not exist, try logging in again?');
  }
}

/** With PKCE the code waits to be exchanged by whoever has the verifier. */
async function continueFlow(
  run: Run,
  context: AuthContext,
  relayState: SamlRelayState | undefined,
  userId: string,
): Promise<FlowState | undefined> {
  const id = relayState?.flow_state_id ?? null;
  if (id === null) return undefined;
  const flow = await askOne(run, findFlowStateForUpdate(id));
  if (flow === undefined) throw notFound('flow_state_not_found', 'invalid flow state, no valid flow state found');
  const now = context.now();
  await askOne(run, updateFlowState(id, { user_id: userId, auth_code_issued_at: now }, now));
  return flow;
}

/** Asked again, though it was allowed when it was stored; an identity provider's choice is asked for the first time. */
function redirectTarget({ settings }: AuthContext, wanted: string): string {
  return isRedirectAllowed(wanted, settings) ? wanted : settings.siteUrl;
}
