export * from './clients.js';
export * from './paths.js';
export * from './plan.js';
export * from './unit.js';
