import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClusterContext } from '@holdfast/cluster';
import { unitData } from '@holdfast/components';
import { describe, expect, it } from 'vitest';
import { fillDisk } from '../src/faults/fill-disk.js';
import { findObstacles } from '../src/lab/abilities.js';
import { createLab, removeLab } from '../src/lab/lab.js';
import { mountMemberDisks } from '../src/lab/member-disks.js';
import { inNamespace, runTool, runToolIn } from '../src/lab/run-tool.js';
import type { LabRemains } from '../src/lab/sweep.js';

const isRoot = process.getuid?.() === 0;
const signal = AbortSignal.timeout(120_000);
const left = ({ folder, namespaces }: LabRemains) => [
  ...[folder].filter(existsSync),
  ...namespaces.filter((name) => existsSync(`/run/netns/${name}`)),
  ...readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`${folder}/`)),
];
const sleeper = ['sleep', '1000'];
const isAlive = (pid: number | undefined) =>
  existsSync(`/proc/${pid}/cmdline`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));

describe.skipIf(!isRoot)('a lab with namespaces (needs root)', () => {
  it('goes with everything in it: processes, mounts, namespaces, files', async () => {
    const lab = await createLab({ hosts: 3, signal });
    const { remains, description } = lab;
    await mountMemberDisks(join(remains.folder, 'state'), ['pg1', 'pg2'], signal);
    const [program = '', ...args] = inNamespace(description.network?.hosts[1]?.namespace ?? '', sleeper);
    const inNetwork = spawn(program, args, { stdio: 'ignore', detached: true });
    const inFolder = spawn('sleep', ['1000'], { cwd: remains.folder, stdio: 'ignore', detached: true });
    expect(left(remains).length).toBeGreaterThan(5);
    await lab[Symbol.asyncDispose]();
    expect(left(remains)).toEqual([]);
    await expect.poll(() => [inNetwork.pid, inFolder.pid].filter(isAlive)).toEqual([]);
  });

  it('has a bridge that every host reaches, and no way out', async () => {
    const lab = await createLab({ hosts: 2, signal });
    try {
      const { network } = lab.description;
      const interfaces = await runToolIn(network?.namespace ?? '', ['ip', '-brief', 'link'], { signal });
      expect(interfaces).toMatch(/bridge/);
      for (const namespace of lab.remains.namespaces) {
        const routes = await runToolIn(namespace, ['ip', 'route', 'show', 'default'], { signal });
        expect(routes).toBe('');
      }
    } finally {
      await lab[Symbol.asyncDispose]();
    }
    expect(left(lab.remains)).toEqual([]);
  });

  it('goes when the process that made it is killed', async () => {
    const source = `import { createLab } from ${JSON.stringify(fileURLToPath(new URL('../dist/lab/lab.js', import.meta.url)))};
      const lab = await createLab({ hosts: 3, signal: AbortSignal.timeout(60_000) });
      process.stdout.write(JSON.stringify(lab.remains) + '\\n');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = await new Promise<string>((resolve) => child.stdout.once('data', (text) => resolve(String(text))));
    const remains = JSON.parse(line) as LabRemains;
    expect(left(remains).length).toBe(5);
    child.kill('SIGKILL');
    await expect.poll(() => left(remains), { timeout: 30_000 }).toEqual([]);
  });

  it('is left alone when it is kept, until it is removed by name', async () => {
    const lab = await createLab({ hosts: 2, signal });
    lab.keep();
    await lab[Symbol.asyncDispose]();
    expect(left(lab.remains).length).toBe(4);
    await expect(removeLab('/tmp')).rejects.toMatchObject({ code: 'HF_CHAOS_NO_LAB' });
    await removeLab(lab.remains.folder);
    expect(left(lab.remains)).toEqual([]);
  });

  it('fills the disk of one member to the last byte, and gives it back', async () => {
    const lab = await createLab({ hosts: 1, signal });
    try {
      const stateDirectory = join(lab.remains.folder, 'state');
      await mountMemberDisks(stateDirectory, ['pg1', 'pg2'], signal);
      const [disk, other] = ['pg1', 'pg2'].map((member) => unitData(stateDirectory, member)) as [string, string];
      const context = { stateDirectory } as unknown as ClusterContext;
      const fault = fillDisk.create({ context, lab: lab.description }, 'pg1', 1);
      const write = async (folder: string) => await writeFile(join(folder, 'wal'), Buffer.alloc(8192));
      await write(disk);
      await rm(join(disk, 'wal'));
      await fault.inject(signal);
      await expect(write(disk)).rejects.toMatchObject({ code: 'ENOSPC' });
      await write(other);
      await fault.heal(signal);
      await fault.heal(signal);
      await rm(join(disk, 'wal'), { force: true });
      expect(await readdir(disk)).toEqual([]);
      await write(disk);
      const { bavail, bsize } = await statfs(disk);
      expect(bavail * bsize).toBeGreaterThan(500 * 1024 ** 2);
    } finally {
      await lab[Symbol.asyncDispose]();
    }
  });

  it("does not fill a disk that is not the lab's", async () => {
    const lab = await createLab({ hosts: undefined, signal });
    try {
      const context = { stateDirectory: lab.remains.folder } as unknown as ClusterContext;
      const fault = fillDisk.create({ context, lab: lab.description }, 'pg1', 1);
      await expect(fault.inject(signal)).rejects.toMatchObject({ code: 'HF_CHAOS_DISK_SHARED' });
    } finally {
      await lab[Symbol.asyncDispose]();
    }
  });

  it('says what is possible here, and leaves nothing of the try', async () => {
    const before = (await runTool('ip', ['netns', 'list'], { signal })).split('\n').length;
    const obstacles = await findObstacles(signal);
    expect(obstacles.network).toBeUndefined();
    expect(obstacles.clock).toMatch('clock');
    expect((await runTool('ip', ['netns', 'list'], { signal })).split('\n').length).toBe(before);
  });
});

describe('a lab without namespaces', () => {
  it('is a folder that other accounts can enter, and goes', async () => {
    const lab = await createLab({ hosts: undefined, signal });
    expect((await stat(lab.remains.folder)).mode & 0o777).toBe(0o711);
    expect(lab.remains.namespaces).toEqual([]);
    await lab[Symbol.asyncDispose]();
    expect(left(lab.remains)).toEqual([]);
  });
});
