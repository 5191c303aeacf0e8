export * from './context.js';
export * from './view.js';
