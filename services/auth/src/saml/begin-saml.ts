import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AuthContext } from '../context.js';
import { notFound, unprocessable, validationFailed } from '../errors.js';
import { isUuid, optionalBoolean, optionalString, parseBody, pkceFields, securityFields } from '../http/parse-body.js';
import { resolveRedirect } from '../redirects/resolve-redirect.js';
import { insertFlowState } from '../store/flow-states.js';
import { deleteUsedAssertions, insertRelayState } from '../store/saml-relay-states.js';
import { findSsoDomains, findSsoProvider, type SsoProvider } from '../store/sso-providers.js';
import { readChallenge } from '../tokens/pkce.js';
import { currentMetadata } from './current-metadata.js';
import { replayWindow } from './judge-assertion.js';
import { signInRequest } from './service-provider.js';

const body = z.object({
  provider_id: optionalString,
  domain: optionalString,
  skip_http_redirect: optionalBoolean,
  ...pkceFields,
  ...securityFields,
});

/**
 * POST /sso: the URL at which somebody signs in, and whether the client wants it as JSON. What must survive until the answer is a row of
 * auth.saml_relay_states, whose id is the relay state. Throws ApiError.
 */
export async function beginSaml(
  request: FastifyRequest,
  context: AuthContext,
): Promise<{ readonly url: string; readonly asJson: boolean }> {
  const wanted = parseBody(request, body);
  const provider = await findProvider(context, wanted.provider_id, wanted.domain);
  if (provider.disabled) throw unprocessable('sso_provider_disabled', 'SSO provider is disabled');
  const challenge = readChallenge(wanted.code_challenge, wanted.code_challenge_method);
  const { signInUrl } = await currentMetadata(context, provider);
  if (signInUrl === undefined) {
    throw unprocessable('validation_failed', 'The identity provider does not take requests by redirect');
  }
  const now = context.now();
  const [relayState, flow] = [randomUUID(), randomUUID()];
  const { id, url } = signInRequest(
    context.settings,
    { signInUrl, nameIdFormat: provider.saml.name_id_format, relayState },
    now,
  );
  const flowState = {
    id: flow,
    provider_type: 'sso/saml',
    authentication_method: 'sso/saml',
    auth_code: randomUUID(),
    code_challenge: challenge?.challenge,
    code_challenge_method: challenge?.method,
  };
  await context.write(
    ...(challenge === undefined ? [] : [insertFlowState(flowState, now)]),
    insertRelayState(
      {
        id: relayState,
        sso_provider_id: provider.id,
        request_id: id,
        redirect_to: resolveRedirect(request, context.settings),
        flow_state_id: challenge === undefined ? null : flow,
      },
      now,
    ),
    deleteUsedAssertions(new Date(now.getTime() - 2 * replayWindow)),
  );
  return { url, asJson: wanted.skip_http_redirect };
}

async function findProvider(context: AuthContext, id: string, domain: string): Promise<SsoProvider> {
  if (id !== '' && domain !== '') throw validationFailed('Only one of provider_id or domain supported');
  if (id === '' && domain === '') throw validationFailed('A provider_id or domain needs to be provided');
  if (id !== '' && !isUuid(id)) throw validationFailed('provider_id is not a valid UUID');
  const [known] = id === '' ? await context.read(findSsoDomains([domain])) : [[{ providerId: id }]];
  const [provider] = known[0] === undefined ? [] : await context.read(findSsoProvider(known[0].providerId));
  if (provider !== undefined) return provider;
  const message = id === '' ? 'No SSO provider assigned for this domain' : 'No such SSO provider';
  throw notFound('sso_provider_not_found', message);
}
