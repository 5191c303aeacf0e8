import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ensureTools } from '../../src/process/tools/ensure-tools.js';
import { fetchPatroni } from '../../src/process/tools/fetch-patroni.js';
import { findPatroni, toolsDirectory, versionOf } from '../../src/process/tools/find-patroni.js';
import { findTools, supportedMajors } from '../../src/process/tools/find-tools.js';
import { readOperatingSystem } from '../../src/process/tools/os-release.js';
import { judgePatroniVersion } from '../../src/process/tools/patroni-version.js';
import { isExecutable } from '../../src/process/tools/programs.js';

const signal = AbortSignal.timeout(110_000);
const system = await readOperatingSystem();
const search = await findTools({ major: undefined, signal });

afterEach(() => vi.unstubAllEnvs());

describe('what is on this machine', () => {
  test.skipIf(search.tools === undefined)('is found, runs and is new enough', async () => {
    const { tools, versions, missing } = search;
    expect(missing).toEqual([]);
    for (const program of [tools?.etcd, tools?.haproxy, tools?.pgbouncer]) {
      expect(program).toMatch(/^\//);
      expect(await isExecutable(program ?? '')).toBe(true);
    }
    expect(supportedMajors).toContain(tools?.postgresMajor);
    expect(versions.postgres).toMatch(new RegExp(`^${tools?.postgresMajor}\\.`));
    for (const name of ['initdb', 'pg_ctl', 'pg_rewind', 'pg_basebackup']) {
      expect(await isExecutable(join(tools?.postgresBin ?? '', name))).toBe(true);
    }
    expect(judgePatroniVersion(tools?.patroni.version ?? '')).toEqual({ sound: true });
    expect(tools?.patroni.origin).not.toBe('');
    expect(tools === undefined ? undefined : await versionOf(tools.patroni, signal)).toBe(tools?.patroni.version);
  });

  test.skipIf(search.tools === undefined)('is all that `up` needs: nothing is installed', async () => {
    const steps: string[] = [];
    const tools = await ensureTools({ major: undefined, install: true, signal, progress: (text) => steps.push(text) });
    expect(tools).toEqual(search.tools);
    expect(steps).toEqual([]);
  });

  test('a major version that nobody has is missing, and --no-install says so with the command', async () => {
    const other = await findTools({ major: 12, signal });
    expect(other.tools).toBeUndefined();
    expect(other.missing).toContainEqual({ tool: 'postgres', reason: 'PostgreSQL 12 is not installed' });
    const refused = ensureTools({ major: 12, install: false, signal, progress: () => {} });
    await expect(refused).rejects.toMatchObject({
      code: 'HF_TOOLS_MISSING',
      exitCode: 3,
      detail: expect.stringContaining('PostgreSQL 12 is not installed'),
    });
    if (system.hasApt)
      await expect(refused).rejects.toMatchObject({ suggestion: expect.stringContaining('postgresql-12') });
  });
});

describe('HOLDFAST_PATRONI', () => {
  async function named(script: string, interpreter = '/bin/sh'): Promise<unknown> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-patroni-'));
    try {
      const path = join(folder, 'patroni');
      await writeFile(path, `#!${interpreter}\n${script}\n`, { mode: 0o755 });
      vi.stubEnv('HOLDFAST_PATRONI', path);
      return await findPatroni(signal).catch((error: unknown) => error);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  test('a sound one is taken before all others', async () => {
    expect(await named('echo patroni 4.1.2')).toMatchObject({
      found: {
        version: '4.1.2',
        argv: [expect.stringMatching(/\/patroni$/)],
        ctlArgv: [expect.stringMatching(/\/patronictl$/)],
        origin: expect.stringContaining('HOLDFAST_PATRONI'),
      },
    });
  });

  test.each([
    ['/usr/bin/python3', ['/usr/bin/python3']],
    [' /usr/bin/python3 -sP', ['/usr/bin/python3', '-sP']],
    // Which one that is depends on PATH.
    ['/usr/bin/env python3', []],
  ])('the interpreter of its first line, %s, is known', async (interpreter, argv) => {
    expect(await named('print("patroni 4.1.2")', interpreter)).toMatchObject({
      found: { version: '4.1.2', argv: [...argv, expect.stringMatching(/\/patroni$/)] },
    });
  });

  test.each([
    ['echo patroni 3.0.2', 'loses acknowledged writes'],
    ['echo patroni 3.3.2', 'older than 4.0'],
    ['echo hello', 'does not answer'],
    ['exit 1', 'does not answer'],
  ])('%s is refused, not replaced', async (script, reason) => {
    expect(await named(script)).toMatchObject({
      code: 'HF_TOOLS_UNUSABLE',
      message: expect.stringContaining(reason),
    });
  });

  test('one that is not there is refused', async () => {
    vi.stubEnv('HOLDFAST_PATRONI', '/nonexistent/patroni');
    await expect(findPatroni(signal)).rejects.toMatchObject({ code: 'HF_TOOLS_UNUSABLE' });
  });

  test('a folder that a package was unpacked into', async (context) => {
    const [, script = ''] = search.tools?.patroni.argv ?? [];
    if (!script.endsWith('/usr/bin/patroni') || script === '/usr/bin/patroni') context.skip('none is unpacked here');
    const root = script.slice(0, -'/usr/bin/patroni'.length);
    vi.stubEnv('HOLDFAST_PATRONI', root);
    const { found } = await findPatroni(signal);
    expect(found?.version).toBe(search.tools?.patroni.version);
    expect(found?.env.PYTHONPATH).toBe(join(root, 'usr/lib/python3/dist-packages'));
  });
});

/**
 * With the machine's real mirror and keyring, into a folder of its own. As root the place is fixed, and replacing the Patroni that clusters
 * of this machine may be running is no test's business: so only for other accounts, on Debian, with the libraries there and the mirror answering.
 */
test.skipIf(process.getuid?.() === 0 || system.id !== 'debian' || search.tools === undefined)(
  "Debian 13's Patroni is fetched and unpacked, and leaves nothing else behind",
  async (context) => {
    const home = await mkdtemp(join(tmpdir(), 'holdfast-fetch-'));
    vi.stubEnv('XDG_DATA_HOME', home);
    try {
      const steps: string[] = [];
      const fetched = fetchPatroni({ signal, progress: (text) => steps.push(text) });
      const error: unknown = await fetched.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (error instanceof Error && 'code' in error && error.code === 'HF_TOOLS_INSTALL')
        context.skip('the mirror does not answer');
      expect(error).toBeUndefined();
      expect(steps.length).toBe(2);
      const left = await readdir(toolsDirectory());
      expect(left).toEqual([expect.stringMatching(/^patroni-\d/)]);
      vi.stubEnv('HOLDFAST_PATRONI', join(toolsDirectory(), left[0] ?? ''));
      expect((await findPatroni(signal)).found?.version).toMatch(/^4\./);
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  },
);
