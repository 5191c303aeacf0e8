export { diffPlans } from './diff-plans.js';
export { containerSpec } from './docker/container-spec.js';
export {
  builtImages,
  type DockerPlan,
  dockerFolder,
  dockerFolders,
  type FolderFile,
  planContainers,
  planDocker,
} from './docker/docker-folders.js';
export { createDockerRuntime, type DockerRuntime, type DockerRuntimeOptions } from './docker/docker-runtime.js';
export { type DockerSettings, dockerSettings } from './docker/docker-settings.js';
export { openWay, type PodWay } from './kubernetes/doors.js';
export { planInKubernetes, planKubernetes } from './kubernetes/kubernetes-plan.js';
export {
  createKubernetesRuntime,
  type KubernetesRuntime,
  type KubernetesRuntimeOptions,
} from './kubernetes/kubernetes-runtime.js';
export { writeFileAtomically } from './process/atomic-file.js';
export * from './process/lock.js';
export * from './process/network-namespace.js';
export * from './process/port-holder.js';
export {
  type PrivatePostgres,
  type PrivatePostgresOptions,
  startPrivatePostgres,
} from './process/private-postgres/start-private-postgres.js';
export * from './process/proc.js';
export { createProcessRuntime, type ProcessRuntimeOptions } from './process/process-runtime.js';
export { runSupervisor, type SupervisorEnd, type SupervisorOptions } from './process/supervisor/run-supervisor.js';
export { relieveSupervisor, supervisorState } from './process/supervisor-process.js';
export { findAccounts } from './process/tools/accounts.js';
export { type EnsureToolsOptions, ensureTools } from './process/tools/ensure-tools.js';
export { findPatroni, type PatroniSearch } from './process/tools/find-patroni.js';
export {
  findPostgres,
  findTools,
  type MissingTool,
  type ToolName,
  type ToolSearch,
} from './process/tools/find-tools.js';
export { installProgram } from './process/tools/node-program.js';
export { judgePatroniVersion } from './process/tools/patroni-version.js';
export { findProgram } from './process/tools/programs.js';
export { listMarkedProcesses, type MarkedProcess } from './process/unit-processes.js';
export * from './runtime.js';
export {
  createSplitRuntime,
  type Halves,
  joinPlans,
  planSplit,
  type SplitPlan,
  type SplitRuntime,
  type SplitSpec,
  splitInForce,
  splitSpec,
} from './split/split-runtime.js';
