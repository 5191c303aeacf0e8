import type { Statement, StatementResult } from '../database.js';

/**
 * One life of one server: from a start, or a recovery after a crash of one of its processes, to the next. What a connection saw of it decides what
 * became of a transaction (`decideOutcome`).
 */
export interface ServerLife {
  readonly inRecovery: boolean;
  /** Cluster, timeline, start and end of recovery as text: differs between two lives. */
  readonly id: string;
  /** The timeline that it writes; undefined in recovery. */
  readonly timeline: number | undefined;
  /** Where its recovery ended; undefined when it had none (a start after a shutdown in order). */
  readonly recoveredTo: bigint | undefined;
  /** Whether it streamed from another server in this very life. A primary that did was promoted, and its recovery ended there. */
  readonly streamed: boolean;
}

/** For anybody, roles without rights too; PostgreSQL 14 and later. */
export const lifeQuestion: Statement = {
  text: `SELECT pg_catalog.pg_is_in_recovery()::text,
  CASE WHEN NOT pg_catalog.pg_is_in_recovery()
    THEN pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8) END,
  CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()::text END,
  (pg_catalog.pg_last_wal_receive_lsn() IS NOT NULL)::text,
  pg_catalog.pg_postmaster_start_time()::text,
  (SELECT system_identifier::text FROM pg_catalog.pg_control_system()),
  pg_catalog.pg_backend_pid()::text`,
};

/** Throws when it is not the answer to `lifeQuestion`. */
export function readLife(result: StatementResult | undefined): {
  readonly life: ServerLife;
  readonly processId: number;
} {
  const [recovering, timeline, replayed, streamed, started, system, processId] = result?.rows[0] ?? [];
  if (recovering === undefined || processId === undefined) throw new Error('the server does not say what it is');
  return {
    processId: Number(processId),
    life: {
      inRecovery: recovering === 'true',
      id: [system, timeline, replayed, started].join('/'),
      timeline: timeline === null || timeline === undefined ? undefined : Number.parseInt(timeline, 16),
      recoveredTo: replayed === null || replayed === undefined ? undefined : parseLsn(replayed),
      streamed: streamed === 'true',
    },
  };
}

/** `16/B374D848`, as pg_lsn is written. */
export function parseLsn(text: string): bigint {
  const [high, low] = text.split('/');
  return (BigInt(`0x${high ?? ''}`) << 32n) + BigInt(`0x${low ?? ''}`);
}
