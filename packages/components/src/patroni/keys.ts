import type { EtcdKeyValue } from '../clients.js';
import type { JsonObject, JsonValue } from '../plan.js';

/** What Patroni keeps in etcd below dcsPrefix, as far as Holdfast needs it (patroni/dcs/__init__.py, class Cluster). */
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
  /** A switchover or failover, now and not at a later time, that somebody asked for and nobody has carried out yet. */
  readonly failoverPending: boolean;
  readonly paused: boolean;
  /** The keys themselves, for transactions that depend on nothing having changed. */
  readonly raw: {
    readonly leader: EtcdKeyValue | undefined;
    readonly sync: EtcdKeyValue | undefined;
    readonly members: ReadonlyMap<string, EtcdKeyValue>;
  };
}

/** Reads the keys below `prefix` (see dcsPrefix); what is malformed counts as absent, as it does for Patroni itself. */
export function readPatroniKeys(prefix: string, entries: readonly EtcdKeyValue[]): PatroniKeys {
  const keys = new Map(
    entries.filter((entry) => entry.key.startsWith(prefix)).map((entry) => [entry.key.slice(prefix.length), entry]),
  );
  const values = new Map([...keys].map(([key, { value }]) => [key, value]));
  const sync = parseObject(values.get('sync'));
  const status = parseObject(values.get('status'));
  const initialize = values.get('initialize');
  const position = Number(text(status?.optime) ?? status?.optime);
  const members = new Map<string, JsonObject>();
  for (const [key, value] of values) {
    const member = parseObject(value);
    if (key.startsWith('members/') && member) members.set(key.slice('members/'.length), member);
  }
  const config = parseObject(values.get('config'));
  return {
    leader: values.get('leader') || undefined,
    systemIdentifier: initialize || undefined,
    initializing: initialize === '',
    sync: { leader: text(sync?.leader), standbys: (text(sync?.sync_standby) ?? '').split(',').filter(Boolean) },
    config,
    lastPosition: Number.isFinite(position) && position > 0 ? position : undefined,
    members,
    failoverPending: isFailoverPending(parseObject(values.get('failover'))),
    paused: isOn(config?.pause),
    raw: {
      leader: keys.get('leader'),
      sync: keys.get('sync'),
      members: new Map(
        [...keys].flatMap(([key, entry]) =>
          key.startsWith('members/') ? [[key.slice('members/'.length), entry] as const] : [],
        ),
      ),
    },
  };
}

/** Patroni's own reading of a flag: `on`, `true`, `yes`, `1` in any case. */
export function isOn(value: JsonValue | undefined): boolean {
  return ['on', 'true', 'yes', '1'].includes(String(value).toLowerCase());
}

/** Patroni does not delete the key of one that is done, but empties it to `{}` (patroni/dcs/__init__.py, manual_failover). */
function isFailoverPending(failover: JsonObject | undefined): boolean {
  if (failover === undefined || text(failover.scheduled_at) !== undefined) return false;
  return text(failover.leader) !== undefined || text(failover.member) !== undefined;
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
