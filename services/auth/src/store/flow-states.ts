import { assignments, command, insertion, type Query, query } from './query.js';
import { columns, maybeRow, optionalText, type RowOf, text, timestamp, truth } from './row.js';

export const flowStateColumns = columns({
  id: text,
  user_id: optionalText,
  auth_code: optionalText,
  code_challenge_method: optionalText,
  code_challenge: optionalText,
  provider_type: text,
  provider_access_token: optionalText,
  provider_refresh_token: optionalText,
  created_at: timestamp,
  updated_at: timestamp,
  authentication_method: text,
  auth_code_issued_at: timestamp,
  invite_token: optionalText,
  referrer: optionalText,
  oauth_client_state_id: optionalText,
  linking_target_id: optionalText,
  email_optional: truth,
});

export type FlowState = RowOf<typeof flowStateColumns>;

const read = (row: readonly (string | null)[]) => flowStateColumns.read(row);

export function insertFlowState(
  values: Readonly<Record<string, unknown>> & { readonly id: string },
  now: Date,
): Query<number> {
  const { sql, values: given } = insertion({ created_at: now, updated_at: now, ...values });
  return command(`INSERT INTO auth.flow_state ${sql}`, given);
}

export function updateFlowState(id: string, values: Readonly<Record<string, unknown>>, now: Date): Query<number> {
  const set = assignments({ ...values, updated_at: now }, 2);
  return command(`UPDATE auth.flow_state SET ${set.sql} WHERE id = $1`, [id, ...set.values]);
}

export function findFlowState(id: string): Query<FlowState | undefined> {
  return query(`SELECT ${flowStateColumns.sql()} FROM auth.flow_state WHERE id = $1`, [id], maybeRow(read));
}

/** Locked, so that only one callback uses it. */
export function findFlowStateForUpdate(id: string): Query<FlowState | undefined> {
  return query(`SELECT ${flowStateColumns.sql()} FROM auth.flow_state WHERE id = $1 FOR UPDATE`, [id], maybeRow(read));
}

export function findFlowStateByCode(code: string): Query<FlowState | undefined> {
  const sql = `SELECT ${flowStateColumns.sql()} FROM auth.flow_state WHERE auth_code = $1 FOR UPDATE`;
  return query(sql, [code], maybeRow(read));
}

/** The newest of a user that waits for a link of this kind to be followed. */
export function findFlowStateOfUser(userId: string, method: string): Query<FlowState | undefined> {
  const sql = `SELECT ${flowStateColumns.sql()} FROM auth.flow_state
    WHERE user_id = $1 AND authentication_method = $2 ORDER BY created_at DESC LIMIT 1`;
  return query(sql, [userId, method], maybeRow(read));
}

export function deleteFlowState(id: string): Query<number> {
  return command('DELETE FROM auth.flow_state WHERE id = $1', [id]);
}
