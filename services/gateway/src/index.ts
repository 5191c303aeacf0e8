export type { Backend } from './backend.js';
export { type ApiConfiguration, apiConfiguration, parseApiConfiguration } from './configuration.js';
export { startGateway } from './gateway.js';
export { createLocalBackend } from './local-backend.js';
export * from './options.js';
export { createRemoteBackend, type RemoteOptions } from './remote-backend.js';
export { type ServiceName, serviceNames } from './service-names.js';
export { startTier } from './tier.js';
