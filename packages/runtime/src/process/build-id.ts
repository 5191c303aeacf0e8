import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The supervisor and all it imports in one file, also when we run from the sources (in tests). */
export const supervisorProgram = fileURLToPath(new URL('../../dist/supervisor.mjs', import.meta.url));

/** Of the build as it is now; differs when the supervisor's code differs. */
export function buildId(): string {
  return createHash('sha256').update(readFileSync(supervisorProgram)).digest('hex').slice(0, 16);
}
