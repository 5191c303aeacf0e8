/**
 * The detached supervisor: `node main.js STATE_DIRECTORY [--idle]`. SIGTERM and SIGINT end it and leave the units running:
 * the database must not depend on it.
 */
import { closeInheritedDescriptors } from './inherited-descriptors.js';
import { runSupervisor } from './run-supervisor.js';

closeInheritedDescriptors();

const [stateDirectory, option] = process.argv.slice(2);
const ending = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ending.abort());
process.on('SIGHUP', () => undefined);

if (stateDirectory === undefined) {
  process.stderr.write('usage: main.js STATE_DIRECTORY [--idle]\n');
  process.exitCode = 2;
} else {
  try {
    await runSupervisor({ stateDirectory, signal: ending.signal, idle: option === '--idle' });
    // Handles of the units' processes must not keep us.
    process.exit(0);
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    process.stderr.write(`${code ?? 'failed'}: ${message}\n`);
    process.exit(1);
  }
}
