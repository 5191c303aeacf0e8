import type { ClusterSpec, ParameterValue, SynchronousMode } from '@holdfast/spec';
import type { JsonObject } from '../plan.js';

/**
 * What belongs into Patroni's dynamic configuration (https://patroni.readthedocs.io/en/latest/dynamic_configuration.html):
 * everything that need not differ between members, so that an edit of the spec is applied by one PATCH /config.
 */
export function renderDynamicConfiguration(spec: ClusterSpec): JsonObject {
  const { patroni, postgres, synchronous } = spec;
  return {
    ttl: patroni.ttl,
    loop_wait: patroni.loopWait,
    retry_timeout: patroni.retryTimeout,
    maximum_lag_on_failover: patroni.maximumLagOnFailover,
    synchronous_mode: synchronousMode(synchronous.mode),
    synchronous_mode_strict: synchronous.mode === 'strict',
    synchronous_node_count: Math.max(1, synchronous.standbys),
    failsafe_mode: patroni.failsafe,
    postgresql: {
      use_pg_rewind: true,
      use_slots: true,
      // A data directory is somebody's data: removing one is for people to decide.
      remove_data_directory_on_rewind_failure: false,
      remove_data_directory_on_diverged_timelines: false,
      create_replica_methods: ['basebackup'],
      basebackup: [{ checkpoint: 'fast' }],
      parameters: renderParameters(postgres.parameters),
      pg_hba: [...postgres.hba],
    },
  };
}

function synchronousMode(mode: SynchronousMode): boolean | 'quorum' {
  return mode === 'quorum' ? 'quorum' : mode !== 'off';
}

/** Good for every cluster, unless the spec says otherwise. */
const preferred = {
  password_encryption: 'scram-sha-256',
  // See the spec's defaults.
  wal_retrieve_retry_interval: '100ms',
} as const;

/** What the rest of the plan relies on: TCP only, and one log a unit (Patroni's and PostgreSQL's stderr). */
const required = {
  unix_socket_directories: '',
  logging_collector: 'off',
  log_destination: 'stderr',
} as const;

/** Booleans become `on` and `off`: Patroni compares parameters as text with what PostgreSQL shows. */
export function renderParameters(parameters: Readonly<Record<string, ParameterValue>>): JsonObject {
  const merged: Record<string, ParameterValue> = { ...preferred, ...parameters, ...required };
  const text = (value: ParameterValue) => (typeof value === 'boolean' ? (value ? 'on' : 'off') : value);
  return Object.fromEntries(
    Object.entries(merged)
      .map(([name, value]) => [name, text(value)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
