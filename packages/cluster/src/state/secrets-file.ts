import { readFile } from 'node:fs/promises';
import { statePaths } from '@holdfast/components';
import { writeFileAtomically } from '@holdfast/runtime';
import { generateSecrets, type SecretName, type Secrets, secretNames } from '@holdfast/spec';
import { notYourCluster, secretsDamaged } from '../errors.js';

/** Those that a database was made with; `up` may add all others to a cluster of an earlier version. */
const original: readonly SecretName[] = [
  'postgres',
  'replication',
  'rewind',
  'patroni-api',
  'haproxy-stats',
  'pgbouncer',
];

/** The cluster's secrets; undefined before the first `up`. Throws HF_SECRETS_DAMAGED rather than making new ones over old ones. */
export async function readSecrets(stateDirectory: string): Promise<Secrets | undefined> {
  const secrets = await readKept(stateDirectory);
  if (secrets === undefined) return undefined;
  const absent = secretNames.filter((name) => secrets[name] === undefined);
  if (absent.length > 0) throw secretsDamaged(statePaths(stateDirectory).secrets, `it lacks ${absent.join(', ')}`);
  return secrets as Secrets;
}

async function readKept(stateDirectory: string): Promise<Partial<Record<SecretName, string>> | undefined> {
  const path = statePaths(stateDirectory).secrets;
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    if (error.code === 'EACCES') throw notYourCluster(stateDirectory);
    throw error;
  });
  if (text === undefined) return undefined;
  const secrets: Partial<Record<SecretName, string>> = {};
  try {
    const value: unknown = JSON.parse(text);
    for (const name of secretNames) {
      const found = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
      if (typeof found === 'string' && found !== '') secrets[name] = found;
    }
  } catch (cause) {
    throw secretsDamaged(path, 'it is not JSON', cause);
  }
  return secrets;
}

/** Reads the secrets, or generates and keeps them on the first `up`; HF_SECRETS_DAMAGED where a database made with others is there. */
export async function ensureSecrets(stateDirectory: string, databaseExists: boolean): Promise<Secrets> {
  const existing = await readKept(stateDirectory);
  if (existing === undefined && databaseExists)
    throw secretsDamaged(statePaths(stateDirectory).secrets, 'the file is gone');
  const absent = secretNames.filter((name) => existing?.[name] === undefined);
  if (existing !== undefined && (absent.length === 0 || absent.some((name) => original.includes(name)))) {
    const complete = await readSecrets(stateDirectory);
    if (complete !== undefined) return complete;
  }
  const secrets: Secrets = { ...generateSecrets(), ...existing };
  writeFileAtomically(statePaths(stateDirectory).secrets, `${JSON.stringify(secrets, null, 2)}\n`, {
    mode: 0o600,
    durable: true,
  });
  return secrets;
}
