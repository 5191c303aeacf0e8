import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  apiSecret,
  chartSecrets,
  renderMakeSecrets,
  secretObjects,
  statisticsUser,
  statisticsUserKey,
} from '@holdfast/components';
import { type ClusterSpec, type Secrets, secretNames, timeLimit } from '@holdfast/spec';
import type { CopiedFile } from '../copied-files.js';
import { writeFileAtomically } from '../process/atomic-file.js';
import { makeSecretsFailed, secretsDiffer } from './errors.js';
import { applyObjects, type Place } from './objects.js';

interface SecretObject {
  readonly data?: Readonly<Record<string, string>>;
}

const makeMilliseconds = 120_000;

/**
 * The Secrets that pods need: the cluster's passwords as the state folder has them, and what make-secrets makes. What exists stays; where a password
 * has another value: HF_KUBERNETES_SECRETS, and nothing has been changed.
 */
export async function ensureSecretObjects(
  place: Place,
  spec: ClusterSpec,
  secrets: Secrets,
  options: { readonly folder: string; readonly signal: AbortSignal },
): Promise<void> {
  const { namespace } = place;
  const wanted = new Map<string, string>([
    ...secretNames.map((name) => [name, secrets[name]] as const),
    [statisticsUserKey, statisticsUser],
  ]);
  const present = await readSecret(place, secretObjects.cluster, options.signal);
  const missing = [...wanted.keys()].filter((name) => present?.data?.[name] === undefined);
  if (present === undefined || missing.length > 0) {
    const data = Object.fromEntries([...wanted].map(([name, value]) => [name, encode(value)]));
    const metadata = { name: secretObjects.cluster, namespace };
    await applyObjects(place, [{ apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data }], options.signal);
  }
  const there = await place.kubectl.run(
    ['get', 'secrets', '--namespace', namespace, '--output', 'jsonpath={.items[*].metadata.name}'],
    { signal: options.signal },
  );
  const names = new Set(there.split(' '));
  const needed = [...Object.values(secretObjects), ...(spec.supabase.enabled ? Object.values(chartSecrets) : [])];
  if (needed.some((name) => !names.has(name))) await runMakeSecrets(renderMakeSecrets(spec), options);
}

/** Makes the API's Secret of these files, or brings it up to date; pods see that within a minute. */
export async function applyApiSecret(place: Place, files: readonly CopiedFile[], signal: AbortSignal): Promise<void> {
  if (files.length === 0) return;
  const entries = await Promise.all(
    files.map(async ({ from, name }) => [name, (await readFile(from)).toString('base64')] as const),
  );
  const metadata = { name: apiSecret, namespace: place.namespace };
  const data = Object.fromEntries(entries);
  await applyObjects(place, [{ apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data }], signal);
}

/** Throws HF_KUBERNETES_SECRETS; changes nothing. */
export async function checkSecretObjects(place: Place, secrets: Secrets, signal: AbortSignal): Promise<void> {
  const present = await readSecret(place, secretObjects.cluster, signal);
  const different = secretNames.filter((name) => {
    const value = present?.data?.[name];
    return value !== undefined && value !== encode(secrets[name]);
  });
  if (different.length > 0) throw secretsDiffer(place.namespace, secretObjects.cluster, different);
}

/** Keeps etcd's client certificate in `folder`, for questions from this machine. */
export async function keepClientCertificate(place: Place, folder: string, signal: AbortSignal): Promise<void> {
  const found = await readSecret(place, secretObjects.etcdClient, signal);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of ['ca.crt', 'tls.crt', 'tls.key']) {
    const value = found?.data?.[name];
    if (value !== undefined) writeFileAtomically(join(folder, name), decode(value), { mode: 0o600 });
  }
}

async function readSecret({ kubectl, namespace }: Place, name: string, signal: AbortSignal) {
  return await kubectl.get<SecretObject>(['secret', name, '--namespace', namespace], { signal });
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}

function decode(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8');
}

/** The very script that is rendered for people. */
async function runMakeSecrets(
  script: string,
  { folder, signal }: { readonly folder: string; readonly signal: AbortSignal },
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const place = await mkdtemp(join(folder, 'make-secrets-'));
  try {
    const program = join(place, 'make-secrets');
    await writeFile(program, script, { mode: 0o700 });
    const { code, output } = await runScript(program, timeLimit(signal, makeMilliseconds));
    signal.throwIfAborted();
    if (code !== 0) throw makeSecretsFailed(output);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

async function runScript(
  program: string,
  signal: AbortSignal,
): Promise<{ readonly code: number | null; readonly output: string }> {
  return await new Promise((resolve) => {
    const child = spawn('sh', [program], { stdio: ['ignore', 'ignore', 'pipe'] });
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-65_536);
    });
    // Its trap removes what it made.
    const onAbort = () => child.kill('SIGTERM');
    signal.addEventListener('abort', onAbort, { once: true });
    const done = (code: number | null) => {
      signal.removeEventListener('abort', onAbort);
      resolve({ code, output });
    };
    child.once('error', (error) => {
      output += error.message;
      done(null);
    });
    child.once('close', done);
  });
}
