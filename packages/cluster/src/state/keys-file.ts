import { readFile } from 'node:fs/promises';
import { statePaths } from '@holdfast/components';
import { generateKeyMaterial, type KeyMaterial, parseKeyMaterial, renderKeyMaterial } from '@holdfast/keys';
import { writeFileAtomically } from '@holdfast/runtime';
import { notYourCluster } from '../errors.js';

/** The keys of the cluster's API; undefined: none were made yet. Errors: HF_KEYS_DAMAGED, HF_STATE_NOT_YOURS. */
export async function readKeys(stateDirectory: string): Promise<KeyMaterial | undefined> {
  const path = statePaths(stateDirectory).keys;
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    if (error.code === 'EACCES') throw notYourCluster(stateDirectory);
    throw error;
  });
  return text === undefined ? undefined : parseKeyMaterial(text, path);
}

/** Reads the keys, or makes and keeps them where there are none; damaged ones stay as they are (HF_KEYS_DAMAGED). */
export async function ensureKeys(stateDirectory: string): Promise<KeyMaterial> {
  const existing = await readKeys(stateDirectory);
  if (existing !== undefined) return existing;
  const keys = generateKeyMaterial(new Date());
  writeKeys(stateDirectory, keys);
  return keys;
}

/** The caller holds the cluster's lock. */
export function writeKeys(stateDirectory: string, keys: KeyMaterial): void {
  writeFileAtomically(statePaths(stateDirectory).keys, renderKeyMaterial(keys), { mode: 0o600, durable: true });
}
