import { ApiError } from '../errors.js';
import type { AuthSettings } from '../settings/schema.js';
import type { Session } from '../store/sessions.js';

type Rules = Pick<AuthSettings['sessions'], 'timeboxSeconds' | 'inactivitySeconds'>;

export type SessionState = 'valid' | 'over' | 'inactive';

/** When the session was last refreshed, or begun. */
export function lastRefresh(session: Session, tokenTime: string | null): number {
  if (session.refreshed_at !== null) return Date.parse(session.refreshed_at);
  const created = Date.parse(session.created_at ?? '');
  return tokenTime === null ? created : Math.max(created, Date.parse(tokenTime));
}

/** Whether a session may go on. `tokenTime`: when its refresh token was made, for sessions that were never refreshed. */
export function judgeSession(session: Session, tokenTime: string | null, rules: Rules, now: Date): SessionState {
  const time = now.getTime();
  if (session.not_after !== null && time > Date.parse(session.not_after)) return 'over';
  if (rules.timeboxSeconds > 0 && time > Date.parse(session.created_at ?? '') + rules.timeboxSeconds * 1000)
    return 'over';
  if (rules.inactivitySeconds > 0 && time > lastRefresh(session, tokenTime) + rules.inactivitySeconds * 1000) {
    return 'inactive';
  }
  return 'valid';
}

/** 400 session_expired where it may not. */
export function requireValidSession(state: SessionState): void {
  if (state === 'valid') return;
  const why = state === 'inactive' ? ' (Inactivity)' : '';
  throw new ApiError({ status: 400, code: 'session_expired', message: `Invalid Refresh Token: Session Expired${why}` });
}
