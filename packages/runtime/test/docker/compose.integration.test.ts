import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFolder } from '../../src/docker/write-folder.js';
import { dockerFolders } from '../../src/index.js';
import { dockerExample, examples } from './example.js';

/** Compose looks at a file without any engine. Both generations where both are there; counted as skipped where there is none. */
const composes = [['docker', 'compose'] as const, ['docker-compose'] as const].filter(
  ([program, ...rest]) => spawnSync(program, [...rest, 'version']).status === 0,
);

/** Compose wants the folder that images are built from; nothing is built. */
const context = [{ name: 'Dockerfile.etcd', content: Buffer.from('FROM scratch\n'), mode: 0o644 }];

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-compose-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe.each(Object.entries(examples))('the rendered folder of %s', (_name, text) => {
  it.skipIf(composes.length === 0)('is valid for Compose', async () => {
    writeFolder(folder, dockerFolders({ ...dockerExample(text), context }));
    // The split layout has its secrets from the cluster in Kubernetes; Compose does not look at them yet.
    if (!(await readdir(folder)).includes('fetch-secrets.sh'))
      expect(spawnSync('sh', ['create-secrets.sh'], { cwd: folder }).status).toBe(0);
    for (const [program, ...rest] of composes) {
      for (const place of await hostFolders()) {
        const argv = [...rest, '--file', join(place, 'docker-compose.yml'), 'config', '--quiet'];
        const { status, stderr } = spawnSync(program, argv, { cwd: place, encoding: 'utf8' });
        expect([status, stderr]).toEqual([0, '']);
      }
    }
  });

  async function hostFolders(): Promise<readonly string[]> {
    const names = await readdir(folder);
    if (names.includes('docker-compose.yml')) return [folder];
    return names.filter((name) => /^\d/.test(name)).map((name) => join(folder, name));
  }
});

describe('create-secrets.sh', () => {
  it('makes each secret once, the same for all hosts, in folders that only the owner enters', async () => {
    writeFolder(folder, dockerFolders({ ...dockerExample(examples.hosts), context }));
    const run = () => spawnSync('sh', ['create-secrets.sh'], { cwd: folder }).status;
    expect(run()).toBe(0);
    const secret = async (place: string) => await readFile(join(folder, place, 'secrets/postgres'), 'utf8');
    const first = await secret('.');
    expect(first).toMatch(/^s[A-Za-z0-9_-]{48}$/);
    expect(await secret('10.77.0.2')).toBe(first);
    expect((await stat(join(folder, '10.77.0.2/secrets'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, '10.77.0.2/secrets/postgres'))).mode & 0o777).toBe(0o444);
    expect(run()).toBe(0);
    expect(await secret('.')).toBe(first);
    expect(await secret('10.77.0.9')).toBe(first);
  });
});
