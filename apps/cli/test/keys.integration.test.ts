import { execFileSync } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { createStateDirectory } from '@holdfast/cluster';
import {
  classifyApiKey,
  generateKeyMaterial,
  type KeyMaterial,
  parseKeyMaterial,
  renderKeyMaterial,
  signApiToken,
  verifyToken,
} from '@holdfast/keys';
import { acquireLock } from '@holdfast/runtime';
import { generateSecrets } from '@holdfast/spec';
import { type CliResult, createThrowAwayFolder, runCli, type ThrowAwayFolder } from '@holdfast/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

/** The built command line on the state folder of a cluster that was up once; nothing is started. */
let folder: ThrowAwayFolder;
let state: string;
const secrets = generateSecrets();

beforeEach(async () => {
  folder = await createThrowAwayFolder();
  state = await createStateDirectory(folder.path, 'holdfast', undefined);
  await writeFile(join(state, 'secrets.json'), JSON.stringify(secrets), { mode: 0o600 });
  await writeFile(join(state, 'keys.json'), renderKeyMaterial(generateKeyMaterial(new Date())), { mode: 0o600 });
});

afterEach(async () => await folder[Symbol.asyncDispose]());

const holdfast = async (...args: readonly string[]): Promise<CliResult> =>
  await runCli(args, { cwd: folder.path, timeoutMilliseconds: 30_000 });

const kept = async (): Promise<KeyMaterial> => parseKeyMaterial(await readFile(join(state, 'keys.json'), 'utf8'), 'f');

/** Everything in it that must not be seen. */
const valuesOf = (material: KeyMaterial): readonly string[] => [
  material['jwt-secret'].current.value,
  material.signing.current.value.d,
  material.publishable.current.value,
  material.secret.current.value,
];

describe('keys', () => {
  test('lists every key without a value, unless asked to reveal them', async () => {
    const material = await kept();
    const hidden = await holdfast('keys');
    expect(hidden).toMatchObject({ code: 0, stderr: '' });
    const hiddenJson = await holdfast('keys', '--json');
    for (const value of [...valuesOf(material), 'eyJ']) {
      expect(hidden.stdout).not.toContain(value);
      expect(hiddenJson.stdout).not.toContain(value);
    }
    const revealed = await holdfast('keys', '--reveal');
    for (const value of valuesOf(material)) expect(revealed.stdout).toContain(value);

    const document = JSON.parse((await holdfast('keys', 'list', '--json', '--reveal')).stdout);
    expect(document.keys.map(({ what }: { what: string }) => what)).toEqual([
      ...['anon', 'service_role', 'jwt-secret', 'signing', 'publishable', 'secret'],
    ]);
    expect(document.keys[0]).toMatchObject({ value: await signApiToken('anon', material), state: 'in use' });
    expect(document.keys[5]).toEqual({
      what: 'secret',
      id: material.secret.current.id,
      createdAt: material.secret.current.createdAt,
      expiresAt: null,
      state: 'in use',
      value: material.secret.current.value,
    });
  });

  test('says when there are none, or when they are damaged', async () => {
    await writeFile(join(state, 'keys.json'), '{');
    for (const command of [['keys'], ['env'], ['keys', 'rotate', 'secret', '--yes']]) {
      const result = await holdfast(...command, '--json');
      expect(JSON.parse(result.stdout)).toMatchObject({ error: { code: 'HF_KEYS_DAMAGED' } });
      expect(result.code).toBe(4);
    }
    expect(await readFile(join(state, 'keys.json'), 'utf8')).toBe('{');
    execFileSync('rm', [join(state, 'keys.json')]);
    expect(JSON.parse((await holdfast('env', '--json')).stdout)).toMatchObject({ error: { code: 'HF_KEYS_MISSING' } });
  });
});

describe('keys rotate', () => {
  test('keeps the old keys valid for the grace period, and writes for its owner only', async () => {
    const before = await kept();
    const result = await holdfast('keys', 'rotate', 'secret', 'jwt-secret', '--grace', '2h', '--yes');
    expect(result.code).toBe(0);
    expect(result.stderr).toContain('stays valid for 2h');
    const after = await kept();
    for (const value of [...valuesOf(before), ...valuesOf(after)])
      expect(result.stdout + result.stderr).not.toContain(value);
    expect((await stat(join(state, 'keys.json'))).mode & 0o777).toBe(0o600);

    expect(after.signing).toEqual(before.signing);
    expect(after.publishable).toEqual(before.publishable);
    const token = await signApiToken('anon', before);
    const [soon, late] = [60_000, 7_260_000].map((wait) => new Date(Date.now() + wait));
    if (soon === undefined || late === undefined) throw new Error('unreachable');
    expect((await verifyToken(token, after, soon)).valid).toBe(true);
    expect((await verifyToken(token, after, late)).valid).toBe(false);
    expect(classifyApiKey(before.secret.current.value, after, soon)).toBe('secret');
    expect(classifyApiKey(before.secret.current.value, after, late)).toBe('unknown');
    expect(classifyApiKey(after.secret.current.value, after, late)).toBe('secret');

    const listed = JSON.parse((await holdfast('keys', '--json')).stdout);
    expect(listed.keys).toContainEqual(
      expect.objectContaining({ what: 'secret', id: before.secret.current.id, state: 'retired' }),
    );
  });

  test('--grace 0s ends the old key at once; --json says what is new', async () => {
    const result = await holdfast('keys', 'rotate', 'publishable', '--grace', '0s', '--yes', '--json');
    const after = await kept();
    expect(after.publishable.previous).toEqual([]);
    expect(JSON.parse(result.stdout)).toEqual({
      cluster: 'holdfast',
      rotated: [{ key: 'publishable', id: after.publishable.current.id, oldValidUntil: null }],
    });
  });

  test('--algorithm says of which kind a new signing key is; the one after it stays so', async () => {
    const kinds = async (...options: readonly string[]) => {
      expect((await holdfast('keys', 'rotate', 'signing', ...options, '--yes')).code).toBe(0);
      return (await kept()).signing.current.value.kty;
    };
    expect(await kinds('--algorithm', 'rs256')).toBe('RSA');
    expect(await kinds()).toBe('RSA');
    expect(await kinds('--algorithm', 'es256')).toBe('EC');
  });

  test.each([
    [['secret'], 'HF_CONFIRMATION_NEEDED', 2],
    [['nonsense', '--yes'], 'HF_USAGE', 2],
    [['secret', 'nonsense', '--yes'], 'HF_USAGE', 2],
    [['secret', '--grace', '24', '--yes'], 'HF_USAGE', 2],
    [['secret', '--grace', '99999999999d', '--yes'], 'HF_USAGE', 2],
    [['secret', '--grace', '-1h', '--yes'], 'HF_USAGE', 2],
    [['secret', '--algorithm', 'rs256', '--yes'], 'HF_USAGE', 2],
    [['signing', '--algorithm', 'rs512', '--yes'], 'HF_USAGE', 2],
  ])('%j changes nothing: %s', async (args, code, exit) => {
    const before = await kept();
    const result = await holdfast('keys', 'rotate', ...args, '--json');
    expect(JSON.parse(result.stdout)).toMatchObject({ error: { code } });
    expect(result.code).toBe(exit);
    expect(await kept()).toEqual(before);
  });

  test('waits for nobody: another command holds the lock', async () => {
    const before = await kept();
    await using _lock = await acquireLock(join(state, 'lock'), 'a test', AbortSignal.timeout(10_000));
    const result = await holdfast('keys', 'rotate', 'secret', '--yes', '--json');
    expect(JSON.parse(result.stdout)).toMatchObject({ error: { code: 'HF_LOCKED' } });
    expect(await kept()).toEqual(before);
  });
});

describe('env', () => {
  test('prints the same each time, in every format, and sh and parsers of .env files read it alike', async () => {
    const material = await kept();
    const dotenv = await holdfast('env');
    expect(dotenv).toMatchObject({ code: 0, stderr: '' });
    expect((await holdfast('env')).stdout).toBe(dotenv.stdout);
    const values = { ...parseEnv(dotenv.stdout) };
    expect(JSON.parse((await holdfast('env', '--json')).stdout)).toEqual(values);
    expect(JSON.parse((await holdfast('env', '--format', 'json')).stdout)).toEqual(values);
    expect(values).toMatchObject({
      SUPABASE_URL: 'http://127.0.0.1:8000',
      SUPABASE_ANON_KEY: await signApiToken('anon', material),
      SERVICE_ROLE_KEY: await signApiToken('service_role', material),
      SUPABASE_JWT_SECRET: material['jwt-secret'].current.value,
      SUPABASE_SECRET_KEY: material.secret.current.value,
      DATABASE_URL: `postgresql://postgres:${secrets.postgres}@127.0.0.1:6543/postgres?pgbouncer=true`,
      DIRECT_URL: `postgresql://postgres:${secrets.postgres}@127.0.0.1:5000/postgres`,
    });
    const shell = (await holdfast('env', '--format', 'shell')).stdout;
    for (const [prologue, text] of [
      ['', shell],
      ['set -a', dotenv.stdout],
    ] as const) {
      const script = `${prologue}\n${text}\n"$0" -e 'process.stdout.write(JSON.stringify(process.env))'`;
      const output = execFileSync('sh', ['-c', script, process.execPath], { encoding: 'utf8', env: {} });
      expect(JSON.parse(output)).toMatchObject(values);
    }
  });

  test('--alg and --expires', async () => {
    const result = await holdfast('env', '--alg', 'es256', '--expires', '30d', '--format', 'json');
    const { ANON_KEY } = JSON.parse(result.stdout) as Record<string, string>;
    const verdict = await verifyToken(ANON_KEY ?? '', await kept(), new Date());
    if (!verdict.valid) throw new Error(verdict.fault);
    expect(verdict).toMatchObject({ algorithm: 'ES256', claims: { role: 'anon', iss: 'supabase' } });
    expect((verdict.claims.exp ?? 0) - (verdict.claims.iat ?? 0)).toBe(30 * 86_400);
    expect(Math.abs((verdict.claims.iat ?? 0) - Date.now() / 1000)).toBeLessThan(60);
  });

  test('--prefix gives browsers the public ones only', async () => {
    const values = JSON.parse((await holdfast('env', '--json', '--prefix', 'NEXT_PUBLIC_')).stdout) as object;
    expect(Object.keys(values).filter((name) => name.startsWith('NEXT_PUBLIC_'))).toEqual([
      ...['NEXT_PUBLIC_SUPABASE_URL', 'NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY', 'NEXT_PUBLIC_SUPABASE_ANON_KEY'],
    ]);
  });

  test.each([
    ['--format', 'yaml'],
    ['--alg', 'none'],
    ['--expires', 'soon'],
    ['--expires', '1ms'],
    ['--prefix', 'A=1\nB'],
    ['--prefix', 'x'.repeat(100)],
  ])('%s %j is refused', async (option, value) => {
    const result = await holdfast('env', option, value, '--json');
    expect(JSON.parse(result.stdout)).toMatchObject({ error: { code: 'HF_USAGE' } });
    expect(result.code).toBe(2);
  });
});
