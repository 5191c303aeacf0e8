import { idTokenGrant } from '../external/id-token-grant.js';
import { web3Grant } from '../web3/web3-grant.js';
import type { Grant } from './token.js';

/** id_token and web3. */
export const extendedGrants: readonly (readonly [string, Grant])[] = [
  ['id_token', idTokenGrant],
  ['web3', web3Grant],
];
