import { ExitCode } from '@holdfast/spec';
import { CommanderError } from 'commander';
import { createProgram } from './program.js';

// Whoever reads has seen enough (`holdfast logs | head`); progress that nobody reads must not end the work.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(ExitCode.ok);
});
process.stderr.on('error', () => {});

try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
}
