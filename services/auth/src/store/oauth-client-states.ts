import { command, type Query, query } from './query.js';
import { columns, maybeRow, optionalText, type RowOf, text, timestamp } from './row.js';

export const clientStateColumns = columns({
  id: text,
  provider_type: text,
  code_verifier: optionalText,
  created_at: timestamp,
});

/** Our PKCE verifier towards a provider, while a sign-in there is under way: auth.oauth_client_states. */
export type ClientState = RowOf<typeof clientStateColumns>;

export function insertClientState(
  state: { readonly id: string; readonly provider: string; readonly codeVerifier: string },
  now: Date,
): Query<number> {
  const sql =
    'INSERT INTO auth.oauth_client_states (id, provider_type, code_verifier, created_at) VALUES ($1, $2, $3, $4)';
  return command(sql, [state.id, state.provider, state.codeVerifier, now.toISOString()]);
}

/** A few that nobody came back for; each new one takes some of them along. */
export function deleteStaleClientStates(before: Date): Query<number> {
  const sql = `DELETE FROM auth.oauth_client_states WHERE id IN
    (SELECT id FROM auth.oauth_client_states WHERE created_at < $1 LIMIT 10 FOR UPDATE SKIP LOCKED)`;
  return command(sql, [before.toISOString()]);
}

/** Takes it away: a verifier serves once. */
export function consumeClientState(id: string): Query<ClientState | undefined> {
  const sql = `DELETE FROM auth.oauth_client_states WHERE id = $1 RETURNING ${clientStateColumns.sql()}`;
  return query(
    sql,
    [id],
    maybeRow((row) => clientStateColumns.read(row)),
  );
}
