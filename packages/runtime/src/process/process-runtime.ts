import type { Plan } from '@holdfast/components';
import { statePaths } from '@holdfast/components/paths';
import { secretNames } from '@holdfast/spec/secrets';
import { foreignPlan, secretsMissing, supervisorSilent, unknownUnit } from '../errors.js';
import type { ApplyOptions, Runtime, UnitChange, UnitStatus } from '../runtime.js';
import { buildId } from './build-id.js';
import { askInfo, askSupervisor, patience } from './control-client.js';
import {
  type ApplyRequest,
  type DownRequest,
  routes,
  type SupervisorInfo,
  type UnitOrder,
} from './control-protocol.js';
import { readLogs } from './logs.js';
import { offlineStatus } from './offline-status.js';
import { readPlan } from './plan-file.js';
import { readStat } from './proc.js';
import { readSecrets } from './secrets-file.js';
import { awaitEnd, endSupervisor, startSupervisor } from './supervisor-process.js';
import { findUnitProcesses } from './unit-processes.js';
import { readRecords } from './unit-record.js';

export interface ProcessRuntimeOptions {
  /** Absolute, real path; secrets.json must be in it before a plan is applied. */
  readonly stateDirectory: string;
  readonly cluster: string;
}

/**
 * Runs plans as plain processes under a detached supervisor, which goes on when the caller ends and is found again through its
 * socket in the state folder. An order that is interrupted by its signal is still carried out by the supervisor.
 */
export function createProcessRuntime({ stateDirectory, cluster }: ProcessRuntimeOptions): Runtime {
  const ask = async <Answer>(path: string, body: unknown, signal: AbortSignal): Promise<Answer> => {
    const reply = await askSupervisor<Answer>(stateDirectory, {
      method: 'POST',
      path,
      body,
      timeoutMilliseconds: patience.order,
      signal,
    });
    if (reply === undefined) throw supervisorSilent(undefined, 'it ended meanwhile');
    return reply.answer;
  };

  const ensureSupervisor = async (signal: AbortSignal): Promise<SupervisorInfo> =>
    (await askInfo(stateDirectory, signal)) ?? (await startSupervisor(stateDirectory, signal));

  const order = async (unit: string, what: UnitOrder, signal: AbortSignal): Promise<void> => {
    if (readPlan(stateDirectory) === undefined && readRecords(stateDirectory).length === 0) throw unknownUnit(unit, []);
    await ensureSupervisor(signal);
    await ask<void>(routes.order(unit, what), undefined, signal);
  };

  const hasProcesses = () => findUnitProcesses(stateDirectory, soughtUnits(stateDirectory)).size > 0;

  return {
    kind: 'process',
    isHere: true,

    currentPlan: async () => readPlan(stateDirectory),

    isActive: async (signal) => (await askInfo(stateDirectory, signal)) !== undefined || hasProcesses(),

    async apply(plan: Plan, { signal, secrets, startEnvironment = {} }: ApplyOptions): Promise<readonly UnitChange[]> {
      if (plan.cluster !== cluster) throw foreignPlan(stateDirectory, cluster, plan.cluster);
      const kept = readSecrets(stateDirectory);
      if (secretNames.some((name) => kept[name] !== secrets[name]))
        throw secretsMissing(statePaths(stateDirectory).secrets);
      const running = await ensureSupervisor(signal);
      if (running.build !== buildId()) {
        await endSupervisor(stateDirectory, running, signal);
        await ensureSupervisor(signal);
      }
      return await ask<readonly UnitChange[]>(routes.apply, { plan, startEnvironment } satisfies ApplyRequest, signal);
    },

    async status(signal: AbortSignal): Promise<readonly UnitStatus[]> {
      try {
        const reply = await askSupervisor<readonly UnitStatus[]>(stateDirectory, {
          method: 'GET',
          path: routes.units,
          timeoutMilliseconds: 1_000,
          signal,
        });
        if (reply !== undefined) return reply.answer;
      } catch {
        signal.throwIfAborted();
      }
      return await offlineStatus(stateDirectory, signal);
    },

    start: (unit, signal) => order(unit, 'start', signal),
    stop: (unit, signal) => order(unit, 'stop', signal),
    restart: (unit, signal) => order(unit, 'restart', signal),
    kill: (unit, signal) => order(unit, 'kill', signal),

    async down(groups, signal) {
      const running = await askInfo(stateDirectory, signal);
      if (running === undefined && !hasProcesses()) return;
      const { pid } = running ?? (await startSupervisor(stateDirectory, signal));
      const stat = readStat(pid);
      await ask<void>(routes.down, { groups } satisfies DownRequest, signal);
      if (stat !== undefined) await awaitEnd(stat, signal);
    },

    // All of it is in the state folder.
    removeData: async () => undefined,

    logs: (units, options) => readLogs(stateDirectory, units, options),

    [Symbol.asyncDispose]: async () => undefined,
  };
}

function soughtUnits(stateDirectory: string) {
  return readRecords(stateDirectory).map(({ unit }) => ({ unit, main: undefined }));
}
