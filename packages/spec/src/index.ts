export * from './cluster-spec.js';
export * from './errors.js';
export * from './secrets.js';
