import { command, type Query, query } from './query.js';
import { allRows, columns, jsonOr, type RowOf, text, timestamp } from './row.js';
import { instanceId } from './users.js';

export const auditColumns = columns({
  id: text,
  payload: jsonOr<Readonly<Record<string, unknown>>>({}),
  created_at: timestamp,
  ip_address: text,
});

export type AuditEntry = RowOf<typeof auditColumns>;

export function insertAuditEntry(
  payload: Readonly<Record<string, unknown>>,
  ipAddress: string,
  now: Date,
): Query<number> {
  const sql = `INSERT INTO auth.audit_log_entries (instance_id, id, payload, created_at, ip_address)
    VALUES ($1, gen_random_uuid(), $2::json, $3, $4)`;
  return command(sql, [instanceId, JSON.stringify(payload), now.toISOString(), ipAddress.slice(0, 64)]);
}

export interface AuditFilter {
  /** Keys of the payload, any of which may hold the text. */
  readonly keys: readonly string[];
  readonly contains: string;
}

/** Newest first. */
export function listAuditEntries(
  page: { readonly limit: number; readonly offset: number },
  filter: AuditFilter | undefined,
): Query<{ readonly entries: readonly AuditEntry[]; readonly total: number }> {
  const pattern = `%${(filter?.contains ?? '').replaceAll(/[\\%_]/g, '\\$&')}%`;
  const sql = `SELECT count(*) OVER (), ${auditColumns.sql('a')} FROM auth.audit_log_entries a
    WHERE a.instance_id = $1
      AND ($2::text[] IS NULL OR EXISTS (SELECT FROM unnest($2::text[]) AS key WHERE a.payload ->> key ILIKE $3))
    ORDER BY a.created_at DESC, a.id LIMIT $4 OFFSET $5`;
  const values = [instanceId, filter === undefined ? null : [...filter.keys], pattern, page.limit, page.offset];
  return query(sql, values, (result) => ({
    total: Number(result.rows[0]?.[0] ?? 0),
    entries: allRows((row) => auditColumns.read(row, 1))(result),
  }));
}
