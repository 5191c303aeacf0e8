import type { Unit } from '@holdfast/components';
import { timeLimit } from '@holdfast/spec';
import type { UnitStatus } from '../runtime.js';
import { readPlan } from './plan-file.js';
import { isReady } from './probe.js';
import { bootId, isAlive, type ProcessIdentity } from './proc.js';
import { findMainProcess, findUnitProcesses } from './unit-processes.js';
import { readRecords, type UnitRecord } from './unit-record.js';

/** What can be told while no supervisor answers: who lives, and whether it answers its probe. Nothing is being restarted. */
export async function offlineStatus(stateDirectory: string, signal: AbortSignal): Promise<UnitStatus[]> {
  const records = new Map(readRecords(stateDirectory).map((record) => [record.unit.id, record]));
  const units = new Map<string, Unit>([
    ...(readPlan(stateDirectory)?.units ?? []).map((unit) => [unit.id, unit] as const),
    ...[...records].map(([id, record]) => [id, record.unit] as const),
  ]);
  const sought = [...units.values()].map((unit) => ({ unit, main: recordedMain(records.get(unit.id)) }));
  const processes = findUnitProcesses(stateDirectory, sought);
  return await Promise.all(
    sought.map(async ({ unit, main }): Promise<UnitStatus> => {
      const own = processes.get(unit.id) ?? [];
      const found = main ?? findMainProcess(own, unit.argv);
      const ready = found !== undefined && (await isReady(unit.readiness, timeLimit(signal, 1_000)));
      return {
        id: unit.id,
        component: unit.component,
        state: found === undefined ? 'stopped' : ready ? 'ready' : 'starting',
        pid: found?.pid,
        pids: own.map((each) => each.pid),
        since: records.get(unit.id)?.startedAt ?? new Date().toISOString(),
        restarts: 0,
        lastEnd: found === undefined && records.get(unit.id)?.process !== undefined ? 'unknown' : undefined,
        lastOutput: undefined,
        nextStartAt: undefined,
      };
    }),
  );
}

function recordedMain(record: UnitRecord | undefined): ProcessIdentity | undefined {
  const recorded = record?.process;
  return recorded !== undefined && recorded.bootId === bootId() && isAlive(recorded) ? recorded : undefined;
}
