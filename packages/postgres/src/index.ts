export * from './cancellation.js';
export * from './connect.js';
export * from './database.js';
export * from './errors.js';
export * from './open-database.js';
export * from './pool.js';
export * from './quote.js';
export * from './scram.js';
