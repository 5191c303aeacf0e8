import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createStateDirectory, type Progress, up } from '@holdfast/cluster';
import type { LabDescription } from './lab/lab.js';
import { type LabClusterOptions, labClusterName, renderLabSpec } from './lab/lab-spec.js';
import { mountMemberDisks } from './lab/member-disks.js';
import { type ChaosPlay, type ChaosResult, keepLogs, runJob } from './run-job.js';

/** A run in a lab. Plain data. */
export interface LabJob {
  readonly play: ChaosPlay;
  readonly lab: LabDescription;
  readonly cluster: LabClusterOptions;
}

/** Starts the cluster of a lab in this process' network namespace and plays. */
export async function runLabJob(job: LabJob, signal: AbortSignal, progress: Progress): Promise<ChaosResult> {
  const { lab, cluster, play } = job;
  const file = join(lab.folder, 'holdfast.yaml');
  await writeFile(file, renderLabSpec(lab, cluster));
  const stateDirectory = await createStateDirectory(lab.folder, labClusterName, join(lab.folder, 'state'));
  if (needsDisks(job)) {
    const members = Array.from({ length: cluster.members }, (_, index) => `pg${index + 1}`);
    await mountMemberDisks(stateDirectory, members, signal);
  }
  const { context } = await up({
    ...{ file, cwd: lab.folder, install: false, timeoutSeconds: 120, signal, progress },
    approve: async () => true,
  }).catch(async (error: unknown) => {
    await keepLogs(stateDirectory, play.output);
    throw error;
  });
  try {
    return await runJob({ play, context, lab, signal, progress });
  } finally {
    await context.runtime[Symbol.asyncDispose]();
  }
}

/** Disks of their own make data directories vanish with the lab and cost memory: only where a fault fills one. */
function needsDisks({ play, lab }: LabJob): boolean {
  const fills = play.plan.rounds.some(({ steps }) =>
    steps.some((step) => step.kind === 'inject' && step.fault === 'fill-disk'),
  );
  return fills && lab.network !== undefined;
}
