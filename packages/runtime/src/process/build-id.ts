import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The supervisor runs compiled code, also when we run from the sources (in tests). */
const compiled = fileURLToPath(new URL('.', import.meta.url)).replace(/\/src\/process\/$/, '/dist/process/');

export const supervisorProgram = join(compiled, 'supervisor', 'main.js');

/** Differs when the supervisor's code differs. */
export function buildId(): string {
  const hash = createHash('sha256');
  for (const folder of [compiled, join(compiled, 'supervisor')]) {
    for (const name of readdirSync(folder).sort()) {
      if (name.endsWith('.js')) hash.update(name).update(readFileSync(join(folder, name)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}
