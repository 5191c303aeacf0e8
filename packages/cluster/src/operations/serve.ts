import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderApiConfiguration, statePaths } from '@holdfast/components';
import { installProgram } from '@holdfast/runtime';
import { fillTemplate } from '@holdfast/spec';
import type { ClusterContext } from '../context.js';
import { notUp } from '../errors.js';

export const servable = ['all', 'gateway', 'auth', 'rest'] as const;

export type Servable = (typeof servable)[number];

export interface ServeOptions {
  readonly what: Servable;
  readonly host: string;
  /** Left out: where `up` runs the API. */
  readonly port: number | undefined;
  /** Where services are that the gateway passes on to, with their prefix: `http://10.0.0.2:8001/rest/v1`. */
  readonly upstreams: Readonly<Partial<Record<'auth' | 'rest', string>>>;
  readonly signal: AbortSignal;
}

const elsewhere = ['storage', 'realtime', 'functions', 'graphql', 'meta'];

/**
 * Runs the API, or one service of it, in the foreground until the signal aborts; answers its exit code. A service alone answers below its usual prefix
 * and wants a key, as behind the gateway. Errors: HF_NOT_UP, HF_RUNTIME_PROGRAM_NOT_BUILT.
 */
export async function serve(context: ClusterContext, options: ServeOptions): Promise<number> {
  const { spec, stateDirectory, secrets } = context;
  if (secrets === undefined) throw notUp(spec.name);
  const whole = JSON.parse(
    fillTemplate(renderApiConfiguration({ spec, layout: { stateDirectory } }), secrets),
  ) as object;
  const configuration = {
    ...whole,
    host: options.host,
    port: options.port ?? spec.api.port,
    keysFile: statePaths(stateDirectory).keys,
    services: services(options),
  };
  // It has passwords in it: a folder of its own that nobody else can enter.
  const folder = await mkdtemp(join(stateDirectory, 'serve-'));
  try {
    const file = join(folder, 'api.json');
    await writeFile(file, JSON.stringify(configuration), { mode: 0o600 });
    return await run([...installProgram('api'), file], options.signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What runs here, and where the rest is. Pure. */
export function services({
  what,
  upstreams,
}: Pick<ServeOptions, 'what' | 'upstreams'>): Readonly<Record<string, string>> {
  const off = Object.fromEntries(elsewhere.map((name) => [name, 'off']));
  if (what === 'all' || what === 'gateway') return { ...off, ...upstreams };
  return { ...off, [what === 'auth' ? 'rest' : 'auth']: 'off' };
}

async function run([program, ...args]: readonly [string, ...string[]], signal: AbortSignal): Promise<number> {
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { NODE_ENV: 'production' } });
  const stop = () => child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve(code ?? 1));
    });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
