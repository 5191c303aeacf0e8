import { readFileSync } from 'node:fs';
import type { Plan } from '@holdfast/components';
import { statePaths } from '@holdfast/components/paths';

/** The plan that was applied last; undefined: none was. */
export function readPlan(stateDirectory: string): Plan | undefined {
  try {
    return JSON.parse(readFileSync(statePaths(stateDirectory).plan, 'utf8')) as Plan;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
