import { createHash } from 'node:crypto';
import { command, insertion, type Query, query } from './query.js';
import { columns, maybeRow, optionalText, type RowOf, text, timestamp } from './row.js';

const relayStateColumns = columns({
  id: text,
  sso_provider_id: text,
  request_id: text,
  redirect_to: optionalText,
  flow_state_id: optionalText,
  created_at: timestamp,
});

export type SamlRelayState = RowOf<typeof relayStateColumns>;

export function insertRelayState(values: Readonly<Record<string, unknown>>, now: Date): Query<number> {
  const { sql, values: given } = insertion({ ...values, created_at: now, updated_at: now });
  return command(`INSERT INTO auth.saml_relay_states ${sql}`, given);
}

export function findRelayState(id: string): Query<SamlRelayState | undefined> {
  const sql = `SELECT ${relayStateColumns.sql()} FROM auth.saml_relay_states WHERE id = $1`;
  return query(
    sql,
    [id],
    maybeRow((row) => relayStateColumns.read(row)),
  );
}

/** How many there were: of two answers to one request only one takes it. */
export function deleteRelayState(id: string): Query<number> {
  return command('DELETE FROM auth.saml_relay_states WHERE id = $1', [id]);
}

/**
 * Remembers that an assertion was used; 0 where it was before. GoTrue's tables have no place for that, so it is a sign-in under way that no answer can
 * ever fit: its id is a hash of the assertion's, and its request one that nobody makes.
 */
export function useAssertion(providerId: string, assertionId: string, now: Date): Query<number> {
  const hash = createHash('sha256').update(`${providerId} ${assertionId}`).digest('hex');
  const uuid = [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `8${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ];
  const { sql, values } = insertion({
    id: uuid.join('-'),
    sso_provider_id: providerId,
    request_id: ` used ${hash}`,
    created_at: now,
    updated_at: now,
  });
  return command(`INSERT INTO auth.saml_relay_states ${sql} ON CONFLICT (id) DO NOTHING`, values);
}

/** Those of assertions that nobody could use any more. */
export function deleteUsedAssertions(before: Date): Query<number> {
  const sql = "DELETE FROM auth.saml_relay_states WHERE request_id LIKE ' used %' AND created_at < $1";
  return command(sql, [before.toISOString()]);
}
