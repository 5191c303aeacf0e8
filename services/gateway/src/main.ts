import cluster from 'node:cluster';
import { readFileSync } from 'node:fs';
import { LineLog } from '@holdfast/http';
import { type ApiConfiguration, parseApiConfiguration } from './configuration.js';
import { runWorkers } from './run-workers.js';
import { startTier } from './tier.js';

/** The API tier as a program: `node api.mjs api.json`. */
const log = new LineLog();
const [, , file] = process.argv;
if (file === undefined) {
  process.stderr.write('Usage: api.mjs CONFIGURATION\n');
  process.exit(2);
}

const stopped = new Promise<void>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
});

const configuration = readConfiguration(file);
const isFirst = configuration.workers > 1 && cluster.isPrimary;
const code = isFirst ? await runWorkers(configuration.workers, stopped, log) : await runTier(configuration);
log.flush();
process.exit(code);

async function runTier(given: ApiConfiguration): Promise<number> {
  const tier = await startTier(given, log).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return process.exit(1);
  });
  log.event('listening', { host: tier.host, port: tier.port, milliseconds: Math.round(performance.now()) });
  await stopped;
  log.event('stopping');
  await tier[Symbol.asyncDispose]();
  log.event('stopped');
  return 0;
}

/** What is wrong is named by its place, never by its value: there are passwords in it. */
function readConfiguration(path: string): ApiConfiguration {
  try {
    return parseApiConfiguration(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason =
      error instanceof SyntaxError ? 'it is not JSON' : error instanceof Error ? error.message : String(error);
    process.stderr.write(`${path} cannot be used: ${reason}\n`);
    return process.exit(2);
  }
}
