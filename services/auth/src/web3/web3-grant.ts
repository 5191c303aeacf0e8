import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AuthContext } from '../context.js';
import { badRequest, unprocessable } from '../errors.js';
import { optionalString, parseBody } from '../http/parse-body.js';
import type { TokenResponse } from '../sessions/token-response.js';

const grantBody = z.object({ message: optionalString, signature: optionalString, chain: optionalString });

/** POST /token?grant_type=web3. Throws ApiError or OAuthError. */
export async function web3Grant(request: FastifyRequest, context: AuthContext): Promise<TokenResponse> {
  const { solana, ethereum } = context.settings.web3;
  if (!solana && !ethereum) throw unprocessable('web3_provider_disabled', 'Web3 provider is disabled');
  const { chain } = parseBody(request, grantBody);
  if (chain === 'solana' && !solana) {
    throw unprocessable('web3_provider_disabled', 'Solana Web3 provider is disabled');
  }
  if (chain === 'ethereum' && !ethereum) {
    throw unprocessable('web3_provider_disabled', 'Ethereum Web3 provider is disabled');
  }
  throw badRequest('web3_unsupported_chain', 'Unsupported chain');
}
