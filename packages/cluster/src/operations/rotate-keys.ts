import { statSync } from 'node:fs';
import { apiKeysCopy } from '@holdfast/components';
import { type KeyKind, type KeyMaterial, type RotationOptions, renderKeyMaterial, rotateKey } from '@holdfast/keys';
import { writeFileAtomically } from '@holdfast/runtime';
import type { ClusterContext } from '../context.js';
import { keysMissing } from '../errors.js';
import { readKeys, writeKeys } from '../state/keys-file.js';
import { lockCluster } from './lock-cluster.js';

/** The API runs under another account and has a copy; it looks at it by itself. */
function renewCopy(stateDirectory: string, keys: KeyMaterial): void {
  const { path, mode } = apiKeysCopy({ stateDirectory });
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  writeFileAtomically(path, renderKeyMaterial(keys), { mode, owner: { uid: found.uid, gid: found.gid } });
}

export interface RotateKeysOptions {
  readonly kinds: readonly KeyKind[];
  /** How long what is replaced stays valid. */
  readonly graceMilliseconds: number;
  /** Of a new signing key; default: the same as before. */
  readonly signingAlgorithm?: RotationOptions['signingAlgorithm'];
  readonly signal: AbortSignal;
}

/** Makes new keys of these kinds, all or none. Errors: HF_LOCKED, HF_NOT_UP, HF_KEYS_MISSING, HF_KEYS_DAMAGED. */
export async function rotateKeys(context: ClusterContext, options: RotateKeysOptions): Promise<KeyMaterial> {
  const { stateDirectory } = context;
  await using _lock = await lockCluster(context, 'holdfast keys rotate', options.signal);
  const before = await readKeys(stateDirectory);
  if (before === undefined) throw keysMissing(context.spec.name);
  const { graceMilliseconds, signingAlgorithm } = options;
  const rotation: RotationOptions = {
    now: new Date(),
    graceMilliseconds,
    ...(signingAlgorithm === undefined ? {} : { signingAlgorithm }),
  };
  const after = options.kinds.reduce((keys, kind) => rotateKey(keys, kind, rotation), before);
  writeKeys(stateDirectory, after);
  renewCopy(stateDirectory, after);
  await context.runtime.renewCopies?.(options.signal);
  return after;
}
