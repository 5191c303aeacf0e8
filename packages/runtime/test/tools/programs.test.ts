import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { findProgram, isAtLeast, isExecutable, programVersion } from '../../src/process/tools/programs.js';

describe('isAtLeast', () => {
  test.each([
    ['3.4.23', '3.4', true],
    ['3.4', '3.4.0', true],
    ['3.10.0', '3.9.9', true],
    ['2.6.12', '2.4', true],
    ['3.3.25', '3.4', false],
    ['3.4', '3.4.1', false],
    ['2.9.99', '10.0', false],
  ])('%s, %s: %s', (version, minimum, expected) => expect(isAtLeast(version, minimum)).toBe(expected));

  test('is a total order of versions', () => {
    const version = fc.array(fc.nat(30), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(version, version, version, (x, y, z) => {
        const [a, b, c] = [x.join('.'), y.join('.'), z.join('.')];
        expect(isAtLeast(a, a)).toBe(true);
        expect(isAtLeast(a, b) || isAtLeast(b, a)).toBe(true);
        if (isAtLeast(a, b) && isAtLeast(b, c)) expect(isAtLeast(a, c)).toBe(true);
        expect(isAtLeast([...x, 0].join('.'), a) && isAtLeast(a, [...x, 0].join('.'))).toBe(true);
        expect(isAtLeast([...x, 1].join('.'), a) && !isAtLeast(a, [...x, 1].join('.'))).toBe(true);
      }),
    );
  });
});

describe('programs', () => {
  let folder: string;
  const { signal } = new AbortController();

  async function program(name: string, script: string, mode = 0o755): Promise<string> {
    const path = join(folder, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, mode);
    return path;
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-programs-'));
  });
  afterAll(async () => await rm(folder, { recursive: true, force: true }));
  afterEach(() => vi.unstubAllEnvs());

  test('are found in PATH in its order; a file that cannot be run is none', async () => {
    await program('first/holdfast-probe', '', 0o644);
    const second = await program('second/holdfast-probe', '');
    await program('third/holdfast-probe', '');
    vi.stubEnv('PATH', ['first', 'second', 'third'].map((name) => join(folder, name)).join(':'));
    expect(await findProgram('holdfast-probe')).toBe(second);
    expect(await isExecutable(second)).toBe(true);
    expect(await isExecutable(join(folder, 'first/holdfast-probe'))).toBe(false);
  });

  test('relative folders in PATH are not looked into', async () => {
    await program('relative/holdfast-probe-2', '');
    vi.stubEnv('PATH', `.:relative:${join(folder, 'nowhere')}`);
    expect(await findProgram('holdfast-probe-2')).toBeUndefined();
  });

  test('the folders of the system are looked into whatever PATH says', async () => {
    vi.stubEnv('PATH', '');
    expect(await findProgram('env')).toBe('/usr/bin/env');
  });

  test.each([
    ['on standard output', 'echo "HAProxy version 2.6.12-1+deb12u2 2024/11/20"', '2.6.12'],
    ['on standard error', 'echo "tool 1.18" >&2', '1.18'],
    ['the first of several', 'echo "etcd Version: 3.4.23"; echo "Go Version: go1.19.8"', '3.4.23'],
    ['none', 'echo hello', undefined],
  ])('tell their version: %s', async (_what, script, version) => {
    expect(await programVersion([await program('teller', script)], signal)).toBe(version);
  });

  test('that are not there have none', async () => {
    expect(await programVersion([join(folder, 'missing')], signal)).toBeUndefined();
  });

  test('asking can be aborted', async () => {
    const slow = await program('slow', 'exec sleep 20');
    const asked = programVersion([slow], AbortSignal.timeout(100));
    await expect(asked).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});
