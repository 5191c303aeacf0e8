import type { AuthContext } from '../context.js';
import { command, type Query } from '../store/query.js';

/** Few rows at a time, so that nobody waits for their locks; locked ones are left for the next time. */
const rowsAtMost = 1000;

const pick = (table: string, condition: string) =>
  `SELECT id FROM auth.${table} WHERE ${condition} LIMIT ${rowsAtMost} FOR UPDATE SKIP LOCKED`;

/** What has been over for a day. Sessions without an end stay for ever, as GoTrue leaves them. */
export function cleanUpQueries({ settings, now }: Pick<AuthContext, 'settings' | 'now'>): readonly Query<number>[] {
  const time = now().getTime();
  const ago = (seconds: number) => new Date(time - (seconds + 24 * 3600) * 1000).toISOString();
  const remove = (table: string, condition: string, value: string) =>
    command(`DELETE FROM auth.${table} WHERE id IN (${pick(table, condition)})`, [value]);
  const { timeboxSeconds, inactivitySeconds } = settings.sessions;
  return [
    remove('refresh_tokens', 'revoked AND updated_at < $1::timestamptz', ago(0)),
    remove('sessions', 'not_after < $1::timestamptz', ago(0)),
    ...(timeboxSeconds === 0 ? [] : [remove('sessions', 'created_at < $1::timestamptz', ago(timeboxSeconds))]),
    ...(inactivitySeconds === 0
      ? []
      : [
          remove(
            'sessions',
            "coalesce(refreshed_at AT TIME ZONE 'UTC', created_at) < $1::timestamptz AND created_at < $1::timestamptz",
            ago(inactivitySeconds),
          ),
        ]),
    remove('flow_state', 'created_at < $1::timestamptz', ago(settings.flows.expirySeconds)),
    remove('mfa_challenges', 'created_at < $1::timestamptz', ago(settings.mfa.challengeExpirySeconds)),
    remove('webauthn_challenges', 'expires_at < $1::timestamptz', ago(0)),
    remove('saml_relay_states', 'created_at < $1::timestamptz', ago(settings.saml.relayStateExpirySeconds)),
    remove('oauth_client_states', 'created_at < $1::timestamptz', ago(settings.flows.expirySeconds)),
  ];
}

/** Cleans up now and then until it is disposed. A failure is logged: the next time comes. */
export function startCleaning(context: AuthContext): AsyncDisposable {
  const { enabled, intervalSeconds } = context.settings.cleanUp;
  if (!enabled) return { async [Symbol.asyncDispose]() {} };
  let running = Promise.resolve();
  const clean = async () => {
    try {
      await context.write(...cleanUpQueries(context));
    } catch (error) {
      if (!context.signal.aborted) context.log.warn({ err: error }, 'Cleaning up failed');
    }
  };
  const timer = setInterval(() => {
    running = running.then(clean);
  }, intervalSeconds * 1000);
  timer.unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await running;
    },
  };
}
