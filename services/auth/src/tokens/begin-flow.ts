import { randomUUID } from 'node:crypto';
import { insertFlowState } from '../store/flow-states.js';
import type { Query } from '../store/query.js';
import type { Challenge } from './pkce.js';

/** What must be kept until the link of a mail is followed, so that its code can be redeemed with the verifier. */
export function beginFlow(
  { challenge, method }: Challenge,
  flow: { readonly userId: string; readonly provider: string; readonly authenticationMethod: string },
  now: Date,
): Query<number> {
  return insertFlowState(
    {
      id: randomUUID(),
      user_id: flow.userId,
      auth_code: randomUUID(),
      code_challenge: challenge,
      code_challenge_method: method,
      provider_type: flow.provider,
      authentication_method: flow.authenticationMethod,
    },
    now,
  );
}
