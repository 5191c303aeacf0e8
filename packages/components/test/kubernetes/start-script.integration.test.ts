import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startScript } from '../../src/kubernetes/start-script.js';
import { Disposables, temporaryDirectory, waitUntil } from '../run-unit.js';

const run = promisify(execFile);

/** The script with a folder of this machine in place of the container's root, and an entrypoint that says how it was called. */
describe('the start of a container', () => {
  const stack = new Disposables();
  let root = '';

  beforeEach(async () => {
    root = stack.use(await temporaryDirectory()).path;
    for (const folder of ['etc/holdfast', 'run/secrets', 'usr/local/bin', 'var/lib/holdfast']) {
      await mkdir(join(root, folder), { recursive: true });
    }
    await writeFile(
      join(root, 'usr/local/bin/holdfast-unit'),
      `#!/bin/bash
if [[ $1 == --sync ]]; then echo "$HOLDFAST_UNITS $2" >>'${root}/synced'; exit; fi
printf '%s|' "$HOLDFAST_UNITS" "$PWD" "$@"
[[ $1 != wait ]] || exec sleep 9
if [[ $1 == children ]]; then read -r found <"/proc/$$/task/$$/children" || true; echo "children: $found."; fi
`,
      { mode: 0o755 },
    );
  });
  afterEach(() => stack[Symbol.asyncDispose]());

  const placed = () =>
    ['/etc/holdfast', '/run/secrets', '/usr/local/bin', '/var/lib/holdfast'].reduce(
      (text, folder) => text.replaceAll(folder, `${root}${folder}`),
      startScript,
    );

  async function unit(name: string, argv: readonly string[]): Promise<void> {
    await mkdir(join(root, 'etc/holdfast', name), { recursive: true });
    await writeFile(join(root, 'etc/holdfast', name, 'argv'), `${argv.join('\n')}\n`);
  }

  const start = (pod: string, ...args: string[]) =>
    run('bash', ['-c', `HOSTNAME=${pod}\n${placed()}`, 'start', ...args], { timeout: 12_000 });

  it('becomes the unit of its pod, with arguments as they are', async () => {
    await unit('pg2', ['/usr/bin/python3', 'a b', '$(false)', "it's"]);
    await mkdir(join(root, 'etc/holdfast/pg2-agent'));
    const { stdout } = await start('postgres-1', 'pg#');
    const folder = `${root}/var/lib/holdfast/units/pg2`;
    expect(stdout).toBe(`pg2 pg2-agent|${folder}|/usr/bin/python3|a b|$(false)|it's|`);
  });

  it('takes a name without a number as it is', async () => {
    await unit('haproxy', ['haproxy']);
    expect((await start('haproxy-6b8f-x2', 'haproxy')).stdout).toMatch(/^haproxy\|.*\|haproxy\|$/);
  });

  it('closes data that Kubernetes opened to the group', async () => {
    await unit('pg1', ['true']);
    const data = join(root, 'var/lib/holdfast/data/pg1/pgdata');
    await mkdir(data, { recursive: true, mode: 0o770 });
    await start('postgres-0', 'pg#');
    expect((await stat(data)).mode & 0o777).toBe(0o700);
  });

  it('ends with an error for a unit that has no files', async () => {
    await expect(start('postgres-7', 'pg#')).rejects.toThrow();
  });

  it('lets Patroni wait for what etcd has agreed on', async () => {
    await unit('pg1', ['ready']);
    let version = '3.0';
    const etcd = createServer((_, response) => {
      const other = version === '3.0' ? '' : 'etcd_cluster_version{cluster_version="3.0"} 0\n';
      response.end(`${other}etcd_cluster_version{cluster_version="${version}"} 1\n`);
    }).listen(0, '127.0.0.1');
    await once(etcd, 'listening');
    const { port } = etcd.address() as { port: number };
    setTimeout(() => {
      version = '3.4';
    }, 1500);
    const began = performance.now();
    // The first one answers nobody.
    const script = `export HOLDFAST_ETCD='127.0.0.1:1 127.0.0.1:${port}' HOSTNAME=postgres-0\n${placed()}`;
    const { stdout } = await run('bash', ['-c', script, 'start', 'pg#'], { timeout: 12_000 });
    etcd.close();
    expect(stdout).toContain('|ready|');
    expect(performance.now() - began).toBeGreaterThan(1400);
  });

  it('leaves nobody for the unit to wait for', async () => {
    // HAProxy's master ends when the system says that it has no child left.
    await unit('haproxy', ['children']);
    expect((await start('haproxy-1', 'haproxy', 'USR2')).stdout).toContain('children: .');
  });

  it('hands files on that change later, once', async () => {
    await unit('haproxy', ['wait']);
    const data = join(root, 'etc/holdfast/..data');
    await symlink('first', data);
    const running = start('haproxy-1', 'haproxy', 'USR2').catch(() => undefined);
    // The script looks every 5 s; the kubelet swaps the link.
    await symlink('second', `${data}.new`);
    setTimeout(() => void rename(`${data}.new`, data), 1000);
    await waitUntil('the change is handed on', async () => (await readFile(join(root, 'synced'), 'utf8')) !== '');
    await running;
    expect(await readFile(join(root, 'synced'), 'utf8')).toBe('haproxy USR2\n');
  });
});
