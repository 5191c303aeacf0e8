import type { UnitStatus } from '@holdfast/runtime';
import { error, type Finding, info, ok, warning } from './finding.js';

export interface ProcessFacts {
  readonly units: readonly UnitStatus[];
  readonly supervisor: { readonly pid: number | undefined; readonly alive: boolean | undefined };
  /** Processes that bear this cluster's mark or work in its folder, and belong to no unit. */
  readonly leftovers: readonly { readonly pid: number; readonly name: string; readonly because: string }[];
}

export function judgeProcesses({ units, supervisor, leftovers }: ProcessFacts): readonly Finding[] {
  const findings: Finding[] = [];
  const anyRuns = units.some(({ pids }) => pids.length > 0);
  if (supervisor.alive === undefined) {
    findings.push(warning('supervisor', 'the supervisor does not answer', 'holdfast up; holdfast logs supervisor'));
  } else if (!supervisor.alive && anyRuns) {
    findings.push(
      error(
        'supervisor',
        'the supervisor does not run: nothing restarts what ends',
        'holdfast up takes everything back under its care',
      ),
    );
  }
  const isDown = units.length > 0 && units.every(({ state }) => state === 'stopped');
  if (isDown) findings.push(info('units', 'the cluster is stopped', 'holdfast up'));
  for (const { id, state, restarts, lastEnd } of isDown ? [] : units) {
    if (state === 'backoff') {
      findings.push(
        error(
          `unit.${id}`,
          `${id} ends again and again (${restarts} times, last ${lastEnd ?? 'unknown'})`,
          `holdfast logs ${id}`,
        ),
      );
    } else if (state === 'stopped') {
      findings.push(warning(`unit.${id}`, `${id} is stopped`, 'holdfast up'));
    } else if (restarts > 0) {
      findings.push(
        info(
          `unit.${id}`,
          `${id} was restarted ${restarts} times, last end: ${lastEnd ?? 'unknown'}`,
          `holdfast logs ${id}`,
        ),
      );
    }
  }
  for (const { pid, name, because } of leftovers) {
    findings.push(warning(`leftover.${pid}`, `${name} (pid ${pid}) is left over: ${because}`, `kill ${pid}`));
  }
  if (units.length === 0) findings.push(info('units', 'nothing has been started here yet', 'holdfast up'));
  return findings.length > 0 ? findings : [ok('processes', `${units.length} units run, nothing is left over`)];
}
