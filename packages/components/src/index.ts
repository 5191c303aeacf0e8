export * from './accounts.js';
export { apiUser as statisticsUser } from './accounts.js';
export * from './addresses.js';
export {
  type AgentConfiguration,
  type AgentEtcd,
  type AgentMember,
  agentVariables,
  gateQuestion,
} from './agent/configuration.js';
export { agentUnitId } from './agent/unit.js';
export { apiKeysCopy, renderApiConfiguration } from './api/configuration.js';
export * from './clients.js';
export * from './container-layout.js';
export { createEtcdClient, type EtcdClientOptions } from './etcd/client.js';
export { renderEtcdFlags } from './etcd/unit.js';
export { createHaproxyClient, type HaproxyClientOptions } from './haproxy/client.js';
export { renderHaproxyConfiguration } from './haproxy/configuration.js';
export {
  apiSecret,
  kubernetesLayout,
  layoutBesideKubernetes,
  secretObjects,
  tlsFiles,
  tlsFolders,
} from './kubernetes/layout.js';
export { renderMakeSecrets } from './kubernetes/make-secrets.js';
export { statisticsUserKey } from './kubernetes/monitoring.js';
export { type KubernetesObject, quantity } from './kubernetes/objects.js';
export {
  type KubernetesFiles,
  planPods,
  type RenderedFile,
  renderKubernetes,
  renderKubernetesObjects,
} from './kubernetes/render.js';
export { chartSecrets } from './kubernetes/supabase-secrets.js';
export { type NetConfiguration, netPasswordVariable } from './net/configuration.js';
export * from './paths.js';
export { createPatroniClient, type PatroniClientOptions } from './patroni/client.js';
export { renderPatroniConfiguration } from './patroni/configuration.js';
export { renderDynamicConfiguration } from './patroni/dynamic-configuration.js';
export { type Handover, planHandover, planRelease } from './patroni/handover.js';
export { isJsonObject, isOn, type PatroniKeys, readPatroniKeys } from './patroni/keys.js';
export { renderPgbouncerConfiguration, renderPgbouncerUserlist } from './pgbouncer/configuration.js';
export { poolerFunction } from './pgbouncer/database.js';
export * from './plan.js';
export * from './plan-cluster.js';
export type { TlsFiles } from './tls.js';
export * from './unit.js';
