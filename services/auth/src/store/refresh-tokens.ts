import { command, type Query } from './query.js';
import { instanceId } from './users.js';

export interface NewRefreshToken {
  readonly token: string;
  readonly userId: string;
  readonly sessionId: string;
  /** The token that this one replaces. */
  readonly parent?: string;
}

export function insertRefreshToken({ token, userId, sessionId, parent }: NewRefreshToken, now: Date): Query<number> {
  const sql = `INSERT INTO auth.refresh_tokens (instance_id, token, user_id, revoked, created_at, updated_at, parent, session_id)
    VALUES ($1, $2, $3, false, $4, $4, $5, $6)`;
  return command(sql, [instanceId, token, userId, now.toISOString(), parent ?? null, sessionId]);
}
