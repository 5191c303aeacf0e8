import type { EtcdKeyValue, JsonObject, JsonValue } from '@holdfast/components';

/** What Patroni keeps in etcd below dcsPrefix, as far as a view needs it. */
export interface PatroniKeys {
  readonly leader: string | undefined;
  readonly systemIdentifier: string | undefined;
  /** The key exists and is empty while the first member bootstraps. */
  readonly initializing: boolean;
  /** /sync: who the standbys are synchronous to, and their names. */
  readonly sync: { readonly leader: string | undefined; readonly standbys: readonly string[] };
  readonly config: JsonObject | undefined;
  /** The leader's last reported WAL position, bytes. */
  readonly lastPosition: number | undefined;
  readonly members: ReadonlyMap<string, JsonObject>;
}

/** Reads the keys below `prefix` (see dcsPrefix); what is malformed counts as absent, as it does for Patroni itself. */
export function readPatroniKeys(prefix: string, entries: readonly EtcdKeyValue[]): PatroniKeys {
  const values = new Map(
    entries
      .filter((entry) => entry.key.startsWith(prefix))
      .map((entry) => [entry.key.slice(prefix.length), entry.value]),
  );
  const sync = parseObject(values.get('sync'));
  const status = parseObject(values.get('status'));
  const initialize = values.get('initialize');
  const position = Number(text(status?.optime) ?? status?.optime);
  const members = new Map<string, JsonObject>();
  for (const [key, value] of values) {
    const member = parseObject(value);
    if (key.startsWith('members/') && member) members.set(key.slice('members/'.length), member);
  }
  return {
    leader: values.get('leader') || undefined,
    systemIdentifier: initialize || undefined,
    initializing: initialize === '',
    sync: { leader: text(sync?.leader), standbys: (text(sync?.sync_standby) ?? '').split(',').filter(Boolean) },
    config: parseObject(values.get('config')),
    lastPosition: Number.isFinite(position) && position > 0 ? position : undefined,
    members,
  };
}

/** Patroni's own reading of a flag: `on`, `true`, `yes`, `1` in any case. */
export function isOn(value: JsonValue | undefined): boolean {
  return ['on', 'true', 'yes', '1'].includes(String(value).toLowerCase());
}

function parseObject(value: string | undefined): JsonObject | undefined {
  if (value === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(value);
    return isJsonObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
