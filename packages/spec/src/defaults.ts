import type { ParameterValue, ResourcesSpec } from './cluster-spec.js';
import { GiB, MiB, postgresSize } from './quantity.js';

export interface Sizing {
  /** Of the whole cluster; the members share it evenly. */
  readonly resources: ResourcesSpec;
  readonly members: number;
  /** The max_connections in force. */
  readonly maxConnections: number;
}

/**
 * PostgreSQL's parameters before the user's. All members get the same, since each may become primary, and Patroni
 * requires it of several. Cores are rounded up, since replicas leave most of theirs idle.
 */
export function defaultParameters(sizing: Sizing): Readonly<Record<string, ParameterValue>> {
  return { ...memory(sizing), ...workers(sizing), ...replication(sizing.members), ...general };
}

function memory({ resources, members, maxConnections }: Sizing): Record<string, ParameterValue> {
  const share = resources.memoryBytes / members;
  const sharedBuffers = clamp(share / 4, 32 * MiB, 8 * GiB);
  return {
    max_connections: maxConnections,
    shared_buffers: postgresSize(sharedBuffers),
    effective_cache_size: postgresSize(Math.max(share * 0.75, sharedBuffers)),
    // A statement takes work_mem several times over, and seldom do all connections sort at once: a third is taken.
    work_mem: postgresSize(clamp((share - sharedBuffers) / (maxConnections * 3), 4 * MiB, 64 * MiB)),
    maintenance_work_mem: postgresSize(clamp(share / 16, 32 * MiB, GiB)),
  };
}

function workers({ resources, members }: Sizing): Record<string, ParameterValue> {
  const cores = Math.ceil(resources.cores / members);
  const perGather = Math.min(4, Math.ceil(cores / 2));
  return {
    // Logical replication and extensions take workers of the same kind.
    max_worker_processes: 8 + cores,
    max_parallel_workers: cores,
    max_parallel_workers_per_gather: perGather,
    max_parallel_maintenance_workers: perGather,
  };
}

function replication(members: number): Record<string, ParameterValue> {
  return {
    wal_level: 'logical',
    wal_log_hints: 'on',
    hot_standby: 'on',
    // Each replica takes one, and one more while it is copied; ten stay for logical replication and backups.
    // What Realtime reads changes with; since PostgreSQL 15.19 an output plugin must be named to be used. Patroni leaves it out before.
    output_plugin_libraries: 'pgoutput, test_decoding, wal2json',
    max_wal_senders: 10 + 2 * members,
    max_replication_slots: 10 + 2 * members,
    wal_keep_size: '512MB',
    // The slot of a replica that never returns must not fill the disk; past this it has to be copied anew.
    max_slot_wal_keep_size: '4GB',
    min_wal_size: '256MB',
    max_wal_size: '2GB',
    checkpoint_timeout: '5min',
    checkpoint_completion_target: 0.9,
    wal_receiver_status_interval: '1s',
    // How long a replica that lost its primary waits before it knocks again; 5 s by PostgreSQL's default. A promotion may have to wait for it, too: one
    // that is asked for while WAL is waited for is noticed, and then seen to after the rest of this time (xlogrecovery.c, WaitForWALToBecomeAvailable).
    wal_retrieve_retry_interval: '100ms',
  };
}

const general: Readonly<Record<string, ParameterValue>> = {
  password_encryption: 'scram-sha-256',
  // TCP only: one way in, with one set of rules.
  unix_socket_directories: '',
  random_page_cost: 1.1,
  shared_preload_libraries: 'pg_stat_statements',
  track_io_timing: 'on',
  tcp_keepalives_idle: 30,
  tcp_keepalives_interval: 10,
  tcp_keepalives_count: 3,
  log_checkpoints: 'on',
  log_lock_waits: 'on',
  log_min_duration_statement: '1s',
  log_line_prefix: '%m [%p] %q%u@%d ',
};

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
