import type { JsonObject, JsonValue } from '@holdfast/components';
import { isJsonObject } from '@holdfast/components';
import { checkParameter } from '@holdfast/spec';
import { configKeyRefused, configSyntax } from '../errors.js';

/**
 * Names of Patroni's dynamic configuration and of nothing else; a misspelt one would be stored and have no effect.
 * https://patroni.readthedocs.io/en/latest/dynamic_configuration.html
 */
const topLevelKeys = [
  'check_timeline',
  'failsafe_mode',
  'ignore_slots',
  'loop_wait',
  'max_timelines_history',
  'maximum_lag_on_failover',
  'maximum_lag_on_syncnode',
  'member_slots_ttl',
  'pause',
  'postgresql',
  'primary_start_timeout',
  'primary_stop_timeout',
  'retry_timeout',
  'slots',
  'standby_cluster',
  'synchronous_mode',
  'synchronous_mode_strict',
  'synchronous_node_count',
  'ttl',
] as const;

/** What Holdfast's safety rests on comes from holdfast.yaml alone. */
const managedKeys: readonly (readonly string[])[] = [
  ['failsafe_mode'],
  ['loop_wait'],
  ['maximum_lag_on_failover'],
  ['retry_timeout'],
  ['standby_cluster'],
  ['synchronous_mode'],
  ['synchronous_mode_strict'],
  ['synchronous_node_count'],
  ['ttl'],
  ['postgresql', 'pg_hba'],
  ['postgresql', 'use_pg_rewind'],
  ['postgresql', 'use_slots'],
  ...[
    'log_destination',
    'logging_collector',
    'password_encryption',
    'unix_socket_directories',
    'wal_level',
    'wal_log_hints',
  ].map((name) => ['postgresql', 'parameters', name]),
];

/**
 * Splits `a.b.c`. What follows `postgresql.parameters.` is one name even with dots in it, as extensions' parameters have
 * (`auto_explain.log_min_duration`). Throws HF_CONFIG_KEY for an empty part.
 */
export function parseConfigPath(dotted: string): readonly string[] {
  const parameters = 'postgresql.parameters.';
  const path = dotted.startsWith(parameters)
    ? ['postgresql', 'parameters', dotted.slice(parameters.length)]
    : dotted.split('.');
  if (path.some((part) => part === '' || part === '__proto__')) {
    throw configKeyRefused(
      JSON.stringify(dotted),
      'it is not a dotted name',
      'For example ttl or postgresql.parameters.work_mem.',
    );
  }
  return path;
}

export interface Assignment {
  readonly path: readonly string[];
  readonly value: JsonValue;
}

/** `KEY=VALUE`; the value is JSON where it can be read as such, else text; null removes the key. */
export function parseAssignment(given: string): Assignment {
  const at = given.indexOf('=');
  if (at <= 0) throw configSyntax(given);
  return { path: parseConfigPath(given.slice(0, at).trim()), value: parseValue(given.slice(at + 1)) };
}

function parseValue(value: string): JsonValue {
  try {
    return JSON.parse(value) as JsonValue;
  } catch {
    return value;
  }
}

/** Throws HF_CONFIG_KEY for a key that Patroni does not know or that Holdfast sets from its own file. Pure. */
export function checkAssignment({ path, value }: Assignment): void {
  const name = path.join('.');
  const [top] = path;
  if (!topLevelKeys.some((key) => key === top)) {
    throw configKeyRefused(name, `Patroni has no setting ${top}`, `Its settings are ${topLevelKeys.join(', ')}.`);
  }
  if (top === 'pause') {
    throw configKeyRefused(name, 'it has its own commands', 'Use `holdfast pause` and `holdfast resume`.');
  }
  const patch = patchOf({ path, value });
  const managed = managedKeys.find((key) => touches(patch, key));
  if (managed) {
    throw configKeyRefused(
      managed.join('.'),
      'holdfast.yaml decides it',
      'Change holdfast.yaml and run `holdfast up`, which shows the difference and applies it.',
    );
  }
  const parameters = lookUp(patch, ['postgresql', 'parameters']);
  if (!isJsonObject(parameters)) return;
  for (const [parameter, wanted] of Object.entries(parameters)) {
    if (wanted === null) continue;
    const key = `postgresql.parameters.${parameter}`;
    if (typeof wanted === 'object') throw configKeyRefused(key, 'its value is a list or an object', 'Give one value.');
    const found = checkParameter(parameter, wanted);
    if (found) throw configKeyRefused(key, `it ${found.problem}`, found.suggestion);
  }
}

/** True when the patch sets or removes that key, itself or with what holds it. */
function touches(patch: JsonObject, key: readonly string[]): boolean {
  let here: JsonValue | undefined = patch;
  for (const part of key) {
    if (here === undefined) return false;
    if (!isJsonObject(here)) return true;
    here = Object.hasOwn(here, part) ? here[part] : undefined;
  }
  return here !== undefined;
}

/** The nested object for PATCH /config. */
export function patchOf({ path, value }: Assignment): JsonObject {
  return path.reduceRight<JsonValue>((inner, part) => ({ [part]: inner }), value) as JsonObject;
}

/** The value at a path, undefined where there is none. */
export function lookUp(configuration: JsonObject, path: readonly string[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>(
    (here, part) => (isJsonObject(here) && Object.hasOwn(here, part) ? here[part] : undefined),
    configuration,
  );
}
