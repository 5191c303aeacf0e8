import { error, type Finding, info, ok, showBytes, warning } from './finding.js';

/** A row of pg_replication_slots on the primary. https://www.postgresql.org/docs/15/view-pg-replication-slots.html */
export interface SlotFact {
  readonly name: string;
  readonly type: string;
  readonly active: boolean;
  /** WAL that the primary keeps for it. */
  readonly keptBytes: number | undefined;
  /** `reserved`, `extended`, `unreserved`, `lost`. */
  readonly walStatus: string | undefined;
}

/** Inactive slots keep WAL for ever and so fill the disk. `members`: names whose slots Patroni itself cares for. */
export function judgeSlots(
  slots: readonly SlotFact[] | undefined,
  members: readonly string[],
  freeBytes: number | undefined,
): readonly Finding[] {
  if (!slots) return [info('slots', 'replication slots could not be looked at: no connection to the primary')];
  const findings = slots.flatMap(({ name, type, active, keptBytes, walStatus }): Finding[] => {
    const ours = type === 'physical' && members.includes(name);
    const drop = `holdfast psql -- -c "SELECT pg_drop_replication_slot('${name}')" when nobody needs it any more`;
    if (walStatus === 'lost') {
      const remedy = ours ? `holdfast reinit ${name}` : drop;
      return [error(`slots.${name}`, `slot ${name} has lost WAL that it needs, its reader must start anew`, remedy)];
    }
    if (active) return [];
    const kept = keptBytes ?? 0;
    const what = `slot ${name} is not in use and keeps ${showBytes(kept)} of WAL`;
    const remedy = ours ? `holdfast status: bring ${name} back; the slot goes when ${name} is removed` : drop;
    const large = kept > 1024 ** 3 || (freeBytes !== undefined && kept > freeBytes / 2);
    return [large ? warning(`slots.${name}`, what, remedy) : info(`slots.${name}`, what, remedy)];
  });
  return findings.length > 0 ? findings : [ok('slots', `${slots.length} replication slots, all in use`)];
}
