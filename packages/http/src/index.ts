export * from './compress-answers.js';
export * from './errors.js';
export * from './http-server.js';
export * from './log.js';
export * from './metrics.js';
export * from './request-id.js';
export * from './request-signal.js';
export * from './service.js';
