import { type ClusterContext, notUp, openCluster } from '@holdfast/cluster';
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

/** The cluster's secrets; HF_NOT_UP when there never was an `up`. */
export function secretsOf(context: ClusterContext): Secrets {
  if (context.secrets === undefined) throw notUp(context.spec.name);
  return context.secrets;
}
