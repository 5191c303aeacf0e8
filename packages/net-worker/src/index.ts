export { runWorker, type WorkerOptions } from './worker.js';
