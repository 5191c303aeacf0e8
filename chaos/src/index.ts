export * from './check-history.js';
export * from './checkers/verdict.js';
export * from './errors.js';
export type { FaultKind, Need, TargetRole } from './faults/fault.js';
export { faultKinds } from './faults/kinds.js';
export { applyCuts, removeCuts } from './faults/partition.js';
export { planCuts } from './faults/plan-cuts.js';
export * from './history/operations.js';
export * from './history/reader.js';
export * from './history/recorder.js';
export * from './history/records.js';
export { findObstacles, type Obstacles } from './lab/abilities.js';
export { createLab, type Lab, type LabDescription, removeLab } from './lab/lab.js';
export type { LabClusterOptions } from './lab/lab-spec.js';
export type { LabHost, LabNetwork } from './lab/plan-lab.js';
export { headline, type ReportMeta, renderReport } from './report/render-report.js';
export { renderVerdictText, verdictJson } from './report/render-verdict.js';
export { type LabRun, type LabRunOptions, type RunOptions, runInLab, runOnCluster } from './run-chaos.js';
export type { ChaosPlay, ChaosResult } from './run-job.js';
export { longestRunMilliseconds, mostClients, mostRounds, type RunPlan } from './scenarios/plan.js';
export { planRun, scenarios, whyImpossible } from './scenarios/plan-run.js';
export type { Scenario } from './scenarios/scenario.js';
export * from './seeded-random.js';
export {
  describeWorkload,
  dropChaosSchema,
  type FinalReadOptions,
  type RunningWorkload,
  type StartWorkloadOptions,
  startWorkload,
  type WorkloadCounts,
  type WorkloadSize,
} from './workloads/start-workload.js';
