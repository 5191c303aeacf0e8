import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Unit } from '@holdfast/components';
import { statePaths } from '@holdfast/components/paths';
import { writeFileAtomically } from './atomic-file.js';
import type { ProcessIdentity } from './proc.js';

/** What has to be known about a unit after the supervisor is gone. */
export interface UnitRecord {
  /** As the process was started, or told since: what the next plan is compared with. */
  readonly unit: Unit;
  /** Somebody asked it to stop; it stays so until it is started or a plan is applied. */
  readonly stopped: boolean;
  /** Its main process. One of an earlier boot, or one whose pid was taken by another, is gone. */
  readonly process: (ProcessIdentity & { readonly bootId: string }) | undefined;
  /** ISO 8601: when the main process was started. */
  readonly startedAt: string;
  /** SHA-256 of the environment, secrets in it: shows that a secret changed without keeping it. */
  readonly environment: string;
}

export function writeRecord(stateDirectory: string, record: UnitRecord): void {
  const folder = statePaths(stateDirectory).unitRecords;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileAtomically(join(folder, `${record.unit.id}.json`), `${JSON.stringify(record)}\n`, { mode: 0o600 });
}

export function deleteRecord(stateDirectory: string, unitId: string): void {
  rmSync(join(statePaths(stateDirectory).unitRecords, `${unitId}.json`), { force: true });
}

/** A record that cannot be read counts as missing: its process is then looked for by its mark. */
export function readRecords(stateDirectory: string): UnitRecord[] {
  const folder = statePaths(stateDirectory).unitRecords;
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    try {
      const record = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Partial<UnitRecord>;
      return typeof record.unit?.id === 'string' ? [record as UnitRecord] : [];
    } catch {
      return [];
    }
  });
}
