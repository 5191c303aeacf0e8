export type { Backend } from './backend.js';
export { startGateway } from './gateway.js';
export { createLocalBackend } from './local-backend.js';
export * from './options.js';
export { createRemoteBackend, type RemoteOptions } from './remote-backend.js';
export { type ServiceName, serviceNames } from './service-names.js';
