import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { type NetConfiguration, netPasswordVariable } from '@holdfast/components/net';
import { logEvent } from './log.js';
import { runWorker } from './worker.js';

/** The worker as a program: `node net.mjs net.json`, the password in its environment. */
const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('Usage: net.mjs CONFIGURATION\n');
  process.exit(2);
}
const password = process.env[netPasswordVariable];
delete process.env[netPasswordVariable];
if (password === undefined || password === '') {
  process.stderr.write(`The environment lacks ${netPasswordVariable}.\n`);
  process.exit(2);
}

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

const configuration = JSON.parse(readFileSync(file, 'utf8')) as NetConfiguration;
await runWorker({ configuration, password, worker: `${configuration.worker}@${hostname()}` }, stop.signal);
logEvent('stopped');
process.exit(0);
