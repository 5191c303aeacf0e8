import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AuthContext } from '../context.js';
import { badRequest, OAuthError, unprocessable, validationFailed } from '../errors.js';
import { retryOnce } from '../external/retry-once.js';
import { isNewcomer, settleIdentity } from '../external/settle-identity.js';
import { clientAddress } from '../http/client-address.js';
import { optionalString, parseBody } from '../http/parse-body.js';
import { startSession } from '../sessions/start-session.js';
import { type TokenResponse, tokenResponse } from '../sessions/token-response.js';
import { afterUserCreated, beforeUserCreated } from '../users/user-hooks.js';
import { judgeMessage } from './judge-message.js';
import { type Chain, parseSignInMessage, type SignInMessage } from './sign-in-message.js';
import { isSignedByEthereum, isSignedBySolana } from './verify-wallet.js';

const grantBody = z.object({ message: optionalString, signature: optionalString, chain: optionalString });

const [shortestMessage, longestMessage] = [64, 20 * 1024];

/** POST /token?grant_type=web3: a message that a wallet signed. Throws ApiError or OAuthError. */
export async function web3Grant(request: FastifyRequest, context: AuthContext): Promise<TokenResponse> {
  const { solana, ethereum } = context.settings.web3;
  if (!solana && !ethereum) throw unprocessable('web3_provider_disabled', 'Web3 provider is disabled');
  context.limits.check('web3', request);
  const { message: text, signature, chain } = parseBody(request, grantBody);
  if (chain !== 'solana' && chain !== 'ethereum') throw badRequest('web3_unsupported_chain', 'Unsupported chain');
  if (!context.settings.web3[chain]) {
    const name = chain === 'solana' ? 'Solana' : 'Ethereum';
    throw unprocessable('web3_provider_disabled', `${name} Web3 provider is disabled`);
  }
  const message = readMessage(chain, text, signature);
  const fault = judgeMessage(chain, message, context.settings, context.now());
  if (fault !== undefined) throw new OAuthError('invalid_grant', fault);
  return await signIn(request, context, chain, message);
}

/** The message, once its signature holds. */
function readMessage(chain: Chain, text: string, signature: string): SignInMessage {
  if (text.length < shortestMessage) throw validationFailed('message is too short');
  if (text.length > longestMessage) throw validationFailed('message must not exceed 20KB');
  const isFormed = chain === 'solana' ? /^[\w+/-]{86}(==)?$/ : /^(0x)?[0-9a-f]{130}$/i;
  if (!isFormed.test(signature)) {
    throw validationFailed(
      chain === 'solana'
        ? 'signature must be 64 bytes encoded as base64 with or without padding'
        : 'signature must be 65 bytes long, encoded as a 130 character-long hexadecimal string',
    );
  }
  const parsed = parseSignInMessage(text, chain);
  if (!parsed.valid) throw validationFailed(parsed.fault);
  const { address } = parsed.message;
  const signed =
    chain === 'solana'
      ? isSignedBySolana(text, address, Buffer.from(signature, 'base64url'))
      : isSignedByEthereum(text, address, signature);
  if (!signed) throw new OAuthError('invalid_grant', 'Signature does not match address in message');
  return parsed.message;
}

async function signIn(
  request: FastifyRequest,
  context: AuthContext,
  chain: Chain,
  { address, chainId: network, domain, statement }: SignInMessage,
): Promise<TokenResponse> {
  const claims = {
    sub: `web3:${chain}:${address}`,
    custom_claims: { address, chain, network, domain, statement },
  };
  const identity = { provider: 'web3', user: { emails: [], claims }, emailOptional: true };
  if (await isNewcomer(context, identity)) {
    await beforeUserCreated(context, request, { provider: 'web3', userMetadata: claims });
  }
  const client = clientAddress(request);
  const { settled, started } = await retryOnce(() =>
    context.transaction(async (run) => {
      const settled = await settleIdentity(run, context, client, identity);
      return { settled, started: await startSession(run, context, { user: settled.user, method: 'web3', client }) };
    }),
  );
  if (settled.created) await afterUserCreated(context, request, settled.user);
  return await tokenResponse(context, started, 'web3');
}
