import { readFileSync } from 'node:fs';
import { statePaths } from '@holdfast/components/paths';
import type { Secrets } from '@holdfast/spec';
import { secretsMissing } from '../errors.js';

/** Read at each use, so that no copy is kept longer than needed. Throws HF_RUNTIME_SECRETS. */
export function readSecrets(stateDirectory: string): Secrets {
  const path = statePaths(stateDirectory).secrets;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Secrets;
  } catch (cause) {
    throw secretsMissing(path, cause instanceof SyntaxError ? undefined : cause);
  }
}
