import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canListen, ensurePorts } from '../src/state/port-assignment.js';
import { ensureSecrets, readSecrets } from '../src/state/secrets-file.js';
import { createStateDirectory, locateStateDirectory, readMarker } from '../src/state/state-directory.js';
import { inspectDataDirectory } from '../src/up/data-directory.js';
import { stopOrder } from '../src/up/down.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hf-state-'));
  await chmod(folder, 0o711);
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

const isRoot = process.getuid?.() === 0;

describe('state directory', () => {
  it('is .holdfast/<name> beside the spec, closed, and found again', async () => {
    const path = await createStateDirectory(folder, 'demo', undefined);
    expect(path).toBe(join(folder, '.holdfast', 'demo'));
    expect((await stat(path)).mode & 0o777).toBe(isRoot ? 0o711 : 0o700);
    expect(await locateStateDirectory(folder, 'demo', undefined)).toBe(path);
    expect(await createStateDirectory(folder, 'demo', undefined)).toBe(path);
    expect(await readMarker(path)).toMatchObject({ name: 'demo' });
  });

  it('is elsewhere, with a link, when its path is too long for sockets', async () => {
    const deep = join(folder, 'a'.repeat(60));
    await mkdir(deep);
    const path = await createStateDirectory(deep, 'demo', undefined);
    try {
      expect(path).not.toContain(deep);
      expect(await readlink(join(deep, '.holdfast', 'demo'))).toBe(path);
      expect(await locateStateDirectory(deep, 'demo', undefined)).toBe(path);
      await rm(path, { recursive: true });
      // A link to nowhere is an interrupted purge: it is filled again.
      expect(await createStateDirectory(deep, 'demo', undefined)).toBe(path);
    } finally {
      await rm(path, { recursive: true, force: true });
    }
  });

  it.runIf(isRoot)(
    'is elsewhere when root made a folder above that other accounts cannot enter; refused when it was asked for by name',
    async () => {
      const closed = join(folder, 'closed');
      await mkdir(closed, { mode: 0o700 });
      const path = await createStateDirectory(closed, 'demo', undefined);
      try {
        expect(dirname(path)).toBe('/var/lib/holdfast/clusters');
      } finally {
        await rm(path, { recursive: true, force: true });
      }
      await expect(createStateDirectory(closed, 'demo', join(closed, 'data'))).rejects.toMatchObject({
        code: 'HF_STATE_UNUSABLE',
      });
    },
  );

  it("refuses another cluster's folder", async () => {
    const path = join(folder, 'data');
    await createStateDirectory(folder, 'one', path);
    await expect(createStateDirectory(folder, 'two', path)).rejects.toMatchObject({ code: 'HF_STATE_FOREIGN' });
  });

  it("refuses a folder with somebody else's files", async () => {
    const path = join(folder, 'data');
    await mkdir(path);
    await writeFile(join(path, 'notes.txt'), 'mine');
    await expect(createStateDirectory(folder, 'one', path)).rejects.toMatchObject({ code: 'HF_STATE_NOT_OURS' });
  });
});

describe('secrets', () => {
  it('are made once, for the owner only', async () => {
    const first = await ensureSecrets(folder, false);
    expect(await ensureSecrets(folder, true)).toEqual(first);
    expect((await stat(join(folder, 'secrets.json'))).mode & 0o777).toBe(0o600);
    for (const value of Object.values(first)) expect(Buffer.from(value, 'base64url').length).toBeGreaterThanOrEqual(32);
  });

  it('are never replaced when the file is damaged or gone', async () => {
    expect(await readSecrets(folder)).toBeUndefined();
    await expect(ensureSecrets(folder, true)).rejects.toMatchObject({ code: 'HF_SECRETS_DAMAGED' });
    for (const text of ['{', '[]', '{"postgres": "x"}', '']) {
      await writeFile(join(folder, 'secrets.json'), text);
      await expect(ensureSecrets(folder, false)).rejects.toMatchObject({ code: 'HF_SECRETS_DAMAGED' });
    }
  });
});

describe('ports: auto', () => {
  it('keeps what it chose and adds what is new', async () => {
    const three = await ensurePorts(folder, { members: 3, etcd: 3 }, '127.0.0.1');
    const all = Object.values(three).flat();
    expect(new Set(all).size).toBe(all.length);
    const five = await ensurePorts(folder, { members: 5, etcd: 3 }, '127.0.0.1');
    expect(five.postgres.slice(0, 3)).toEqual(three.postgres);
    expect(five.postgres).toHaveLength(5);
    expect(await ensurePorts(folder, { members: 3, etcd: 3 }, '127.0.0.1')).toEqual(five);
  });

  it('tells a taken port from a free one', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
    expect(await canListen('127.0.0.1', port)).toBe(false);
    await new Promise((resolve) => server.close(resolve));
    expect(await canListen('127.0.0.1', port)).toBe(true);
  });
});

describe('data directory', () => {
  it('tells absent, incomplete and complete ones apart', async () => {
    const path = join(folder, 'pgdata');
    expect(await inspectDataDirectory(path)).toEqual({ kind: 'absent' });
    await mkdir(join(path, 'global'), { recursive: true });
    expect(await inspectDataDirectory(path)).toEqual({ kind: 'incomplete' });
    await writeFile(join(path, 'PG_VERSION'), '15\n');
    expect(await inspectDataDirectory(path)).toEqual({ kind: 'incomplete' });
    const control = randomBytes(8192);
    control.writeBigUInt64LE(7512345678901234567n);
    await writeFile(join(path, 'global', 'pg_control'), control);
    expect(await inspectDataDirectory(path)).toEqual({
      kind: 'database',
      major: '15',
      systemIdentifier: '7512345678901234567',
    });
    await rm(path, { recursive: true });
    await symlink('/nowhere', path);
    expect(await inspectDataDirectory(path)).toEqual({ kind: 'absent' });
  });
});

describe('stopOrder', () => {
  it('stops proxies, replicas, the primary, etcd', () => {
    const units = [
      { id: 'etcd1', component: 'etcd' },
      { id: 'pg1', component: 'patroni' },
      { id: 'pg2', component: 'patroni' },
      { id: 'haproxy', component: 'haproxy' },
    ];
    expect(stopOrder(units, 'pg1')).toEqual([['haproxy'], ['pg2'], ['pg1'], ['etcd1']]);
    expect(stopOrder(units, undefined)).toEqual([['haproxy'], ['pg1', 'pg2'], ['etcd1']]);
  });
});
