export * from './query.js';
export * from './reaper.js';
export * from './run-cli.js';
export * from './run-program.js';
export * from './test-cluster.js';
export * from './throw-away-folder.js';
export * from './unique-inserts.js';
export * from './wait-until.js';
