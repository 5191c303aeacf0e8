import { type ClusterContext, keysMissing, notUp, onlyForProcesses, openCluster, readKeys } from '@holdfast/cluster';
import type { KeyMaterial } from '@holdfast/keys';
import type { Secrets } from '@holdfast/spec';
import type { CommandEnvironment } from './define-command.js';

/** Opens the cluster that -f names, runs, and closes it whatever happens. */
export async function withCluster<Result>(
  environment: CommandEnvironment,
  run: (context: ClusterContext) => Promise<Result>,
): Promise<Result> {
  const context = await openCluster({ file: environment.file, cwd: environment.cwd });
  try {
    return await run(context);
  } finally {
    await context.runtime[Symbol.asyncDispose]();
  }
}

/** HF_RUNTIME_PROCESS_ONLY where something else than our supervisor keeps the parts running. */
export function requireProcesses({ spec }: ClusterContext, command: string): void {
  if (spec.runtime !== 'process') throw onlyForProcesses(command, spec.runtime);
}

/** The cluster's secrets; HF_NOT_UP when there never was an `up`. */
export function secretsOf(context: ClusterContext): Secrets {
  if (context.secrets === undefined) throw notUp(context.spec.name);
  return context.secrets;
}

/** The keys of the cluster's API. Errors: HF_NOT_UP, HF_KEYS_MISSING, HF_KEYS_DAMAGED. */
export async function keysOf(context: ClusterContext): Promise<KeyMaterial> {
  if (context.secrets === undefined) throw notUp(context.spec.name);
  const keys = await readKeys(context.stateDirectory);
  if (keys === undefined) throw keysMissing(context.spec.name);
  return keys;
}
