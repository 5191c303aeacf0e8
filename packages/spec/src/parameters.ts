import type { ParameterValue, SynchronousMode } from './cluster-spec.js';
import type { Problem } from './problem.js';

const byHoldfast = 'is set by Holdfast from the rest of this file';
const byPatroni = 'is set by Patroni whenever roles change';
const recovery = 'would stop or divert a replica that follows the primary';

/** Parameters that nobody but Holdfast and Patroni sets, each with the reason. Names in lower case. */
export const managedParameters: Readonly<Record<string, string>> = {
  listen_addresses: `${byHoldfast} (\`listen\`)`,
  port: `${byHoldfast} (\`ports.postgres\`)`,
  cluster_name: `${byHoldfast} (\`name\`)`,
  data_directory: `${byHoldfast} (\`dataDirectory\`)`,
  hba_file: `${byHoldfast} (\`postgres.hba\`)`,
  ident_file: byHoldfast,
  config_file: byHoldfast,
  include: 'would bring in settings that nobody checked',
  include_dir: 'would bring in settings that nobody checked',
  include_if_exists: 'would bring in settings that nobody checked',
  hot_standby: 'must be on, or replicas could not be watched or read',
  synchronous_standby_names: `${byPatroni} (see \`synchronous\`)`,
  primary_conninfo: byPatroni,
  primary_slot_name: byPatroni,
  promote_trigger_file: byPatroni,
  recovery_target: recovery,
  recovery_target_action: recovery,
  recovery_target_inclusive: recovery,
  recovery_target_lsn: recovery,
  recovery_target_name: recovery,
  recovery_target_time: recovery,
  recovery_target_timeline: recovery,
  recovery_target_xid: recovery,
};

interface Rule {
  readonly allows: (value: ParameterValue) => boolean;
  readonly problem: string;
  readonly suggestion: string;
}

const mustBeOn = (because: string): Rule => ({
  allows: (value) => postgresBoolean(value) === true,
  problem: `must be on: ${because}`,
  suggestion: 'Leave it out; it is on.',
});

/** Below these, Patroni 4 silently uses a value of its own (patroni/postgresql/config.py, CMDLINE_OPTIONS). */
const atLeast = (minimum: number): Rule => ({
  allows: (value) => /^\d+$/.test(String(value)) && Number(value) >= minimum,
  problem: `must be a whole number of at least ${minimum}: Patroni replaces anything else with a value of its own`,
  suggestion: `Write ${minimum} or more, or leave it out.`,
});

/** Parameters of which only some values keep the cluster's promises. */
const rules: Readonly<Record<string, Rule>> = {
  fsync: mustBeOn('after a crash of the machine the data would be damaged, and replicas would copy the damage'),
  full_page_writes: mustBeOn('a page torn by a crash could not be repaired, and pg_rewind needs it'),
  wal_log_hints: mustBeOn('pg_rewind needs it to bring a former primary back as a replica'),
  wal_level: {
    allows: (value) => String(value).toLowerCase() === 'logical',
    problem: 'must be logical: realtime and logical replication need it, and lower levels break more than they save',
    suggestion: 'Leave it out; it is logical.',
  },
  password_encryption: {
    allows: (value) => String(value).toLowerCase() === 'scram-sha-256',
    problem: 'must be scram-sha-256: md5 is broken, and pg_hba.conf here takes nothing else',
    suggestion: 'Leave it out; it is scram-sha-256.',
  },
  max_connections: atLeast(25),
  max_wal_senders: atLeast(3),
  max_replication_slots: atLeast(4),
  max_worker_processes: atLeast(2),
  max_locks_per_transaction: atLeast(32),
};

/** What is wrong with the user's parameters; paths are relative to them. */
export function checkParameters(parameters: Readonly<Record<string, ParameterValue>>): readonly Problem[] {
  const seen = new Map<string, string>();
  return Object.entries(parameters).flatMap(([written, value]): Problem[] => {
    const name = written.toLowerCase();
    const twin = seen.get(name);
    seen.set(name, written);
    const found = twin === undefined ? checkParameter(name, value) : sameAs(twin);
    return found === undefined ? [] : [{ path: [written], ...found }];
  });
}

/** One parameter alone; the name in any case, as PostgreSQL takes it. */
export function checkParameter(name: string, value: ParameterValue): Omit<Problem, 'path'> | undefined {
  const lower = name.toLowerCase();
  if (!/^[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)?$/.test(lower)) {
    return { problem: 'is not a parameter name', suggestion: 'Names are letters, digits and underscores.' };
  }
  const reason = managed(lower);
  if (reason !== undefined) return { problem: `cannot be set: it ${reason}`, suggestion: 'Remove it.' };
  if (typeof value === 'string' && [...value].some((c) => c < ' ' || c === '\x7f')) {
    return { problem: 'has a line break or control character', suggestion: 'Write it on one line.' };
  }
  const rule = Object.hasOwn(rules, lower) ? rules[lower] : undefined;
  return rule === undefined || rule.allows(value) ? undefined : { problem: rule.problem, suggestion: rule.suggestion };
}

/** Why nobody else may set it; undefined: anybody may. */
function managed(lowerName: string): string | undefined {
  return Object.hasOwn(managedParameters, lowerName) ? managedParameters[lowerName] : undefined;
}

function sameAs(twin: string): Omit<Problem, 'path'> {
  return { problem: `is the same parameter as ${twin}`, suggestion: 'Keep one; case does not matter in their names.' };
}

/** Does this synchronous_commit acknowledge a commit before a standby has it? */
export function weakensSynchronous(mode: SynchronousMode, synchronousCommit: ParameterValue | undefined): boolean {
  if (mode === 'off' || synchronousCommit === undefined) return false;
  return postgresBoolean(synchronousCommit) === false || String(synchronousCommit).toLowerCase() === 'local';
}

/** The user's over the defaults, managed ones never; names in lower case, sorted. */
export function mergeParameters(
  defaults: Readonly<Record<string, ParameterValue>>,
  user: Readonly<Record<string, ParameterValue>>,
): Readonly<Record<string, ParameterValue>> {
  const allowed = Object.entries(user)
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => managed(name) === undefined);
  const merged = { ...defaults, ...Object.fromEntries(allowed) };
  return Object.fromEntries(Object.entries(merged).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** As PostgreSQL reads a boolean: any unambiguous beginning of on, off, true, false, yes, no; 1 and 0. */
export function postgresBoolean(value: ParameterValue): boolean | undefined {
  const text = String(value).trim().toLowerCase();
  if (text === '' || text === 'o') return undefined;
  if (['on', 'true', 'yes', '1'].some((word) => word.startsWith(text))) return true;
  return ['off', 'false', 'no', '0'].some((word) => word.startsWith(text)) ? false : undefined;
}
