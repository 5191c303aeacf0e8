import { statePaths } from '@holdfast/components';
import { acquireLock, type Lock } from '@holdfast/runtime';
import type { ClusterContext } from '../context.js';
import { notUp } from '../errors.js';

/** For what must not happen while `up` or another planned change is under way. Errors: HF_LOCKED, HF_NOT_UP. */
export async function lockCluster(context: ClusterContext, command: string, signal: AbortSignal): Promise<Lock> {
  if (context.secrets === undefined) throw notUp(context.spec.name);
  return await acquireLock(statePaths(context.stateDirectory).lock, command, signal);
}
