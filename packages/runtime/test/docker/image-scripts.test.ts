import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** The scripts of the images, tried without an image: their fixed folders are those of a throw-away one. */
const images = fileURLToPath(new URL('../../images', import.meta.url));
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-scripts-'));
  for (const name of ['holdfast-unit', 'holdfast-health', 'holdfast-member', 'holdfast-part']) {
    const text = await readFile(join(images, name), 'utf8');
    const moved = text.replaceAll(
      /=(\/var\/lib\/holdfast|\/etc\/holdfast|\/run\/secrets|\/run\/holdfast)\b/g,
      `=${folder}$1`,
    );
    await writeFile(join(folder, name), moved, { mode: 0o755 });
  }
  for (const path of ['var/lib/holdfast/units', 'var/lib/holdfast/data', 'etc/holdfast', 'run/secrets', 'run/holdfast'])
    await mkdir(join(folder, path), { recursive: true });
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Result> {
  return new Promise((resolve) => {
    const options = { env: { PATH: `${folder}:/usr/bin:/bin`, ...env }, timeout: 15_000 };
    execFile(join(folder, name), args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

describe('holdfast-unit', () => {
  it('reads variables from files, knows the names of other images, and hands nothing else on', async () => {
    await writeFile(join(folder, 'password'), 'se&cret\n');
    const { stdout } = await run('holdfast-unit', ['env'], {
      POSTGRES_PASSWORD_FILE: join(folder, 'password'),
      REPLICATION_PASSWORD: 'other',
      ETCD_HOSTS: 'a:2379,b:2379',
      HOLDFAST_AGENT_SECRET_FILE: join(folder, 'password'),
      SSL_CERT_FILE: '/etc/ssl/cert.pem',
      PATRONICTL_CONFIG_FILE: '/etc/patroni/patroni.yml',
    });
    const lines = stdout.split('\n');
    expect(lines).toContain('PATRONI_SUPERUSER_PASSWORD=se&cret');
    expect(lines).toContain('HOLDFAST_POSTGRES_PASSWORD=se&cret');
    expect(lines).toContain('HOLDFAST_AGENT_SECRET=se&cret');
    expect(lines).toContain('PATRONI_REPLICATION_PASSWORD=other');
    expect(lines).toContain('PATRONI_ETCD3_HOSTS=a:2379,b:2379');
    expect(lines).toContain('SSL_CERT_FILE=/etc/ssl/cert.pem');
    expect(lines).toContain('PATRONICTL_CONFIG_FILE=/etc/patroni/patroni.yml');
    expect(stdout).not.toMatch(/^(POSTGRES_PASSWORD|REPLICATION_PASSWORD|ETCD_HOSTS|HOLDFAST_AGENT_SECRET_FILE)=/m);
  });

  it('says which file it cannot read, and starts nothing', async () => {
    const { code, stdout, stderr } = await run('holdfast-unit', ['echo', 'started'], {
      POSTGRES_PASSWORD_FILE: '/nowhere',
    });
    expect(code).toBe(64);
    expect(stdout).toBe('');
    expect(stderr).toContain('POSTGRES_PASSWORD_FILE names /nowhere');
  });

  it('copies the files of its units with secrets in their places, and takes over what changed later', async () => {
    const mounted = join(folder, 'etc/holdfast/pgbouncer');
    const target = join(folder, 'var/lib/holdfast/units/pgbouncer');
    await mkdir(mounted);
    await writeFile(
      join(mounted, 'userlist.txt'),
      '"pgbouncer" "<secret:pgbouncer>"\n"admin" "<secret:pooler-admin>"\n',
    );
    await writeFile(join(mounted, 'run'), '#!/bin/sh\n', { mode: 0o755 });
    await writeFile(join(folder, 'run/secrets/pgbouncer'), 'p&\\1/*');
    await writeFile(join(folder, 'run/secrets/pooler-admin'), 'two');
    const { stdout } = await run('holdfast-unit', ['pwd'], { HOLDFAST_UNITS: 'pgbouncer' });
    expect(stdout.trim()).toBe(target);
    expect(await readFile(join(target, 'userlist.txt'), 'utf8')).toBe('"pgbouncer" "p&\\1/*"\n"admin" "two"\n');

    const sleeper = spawn('sleep', ['30']);
    try {
      await writeFile(join(folder, 'run/holdfast/patroni.pid'), String(sleeper.pid));
      const sync = () => run('holdfast-unit', ['--sync', 'TERM'], { HOLDFAST_UNITS: 'pgbouncer' });
      expect((await sync()).stdout).toBe('');
      expect(sleeper.exitCode).toBeNull();
      await writeFile(join(mounted, 'userlist.txt'), 'new\n');
      const ended = once(sleeper, 'exit');
      expect((await sync()).stdout).toBe('pgbouncer/userlist.txt\n');
      await ended;
      expect(sleeper.signalCode).toBe('SIGTERM');
      expect(await readFile(join(target, 'userlist.txt'), 'utf8')).toBe('new\n');
    } finally {
      sleeper.kill('SIGKILL');
    }
  });
});

describe('holdfast-health', () => {
  it('succeeds only with one of the codes', async () => {
    const server = createServer((request, response) => response.writeHead(request.url === '/ill' ? 503 : 200).end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      expect((await run('holdfast-health', [`http://127.0.0.1:${port}/`])).code).toBe(0);
      expect((await run('holdfast-health', [`http://127.0.0.1:${port}/ill`])).code).not.toBe(0);
      expect((await run('holdfast-health', [`http://127.0.0.1:${port}/ill`, '200,503'])).code).toBe(0);
      expect((await run('holdfast-health', [`tcp://127.0.0.1:${port}`])).code).toBe(0);
    } finally {
      server.close();
      server.closeAllConnections();
    }
    expect((await run('holdfast-health', [`http://127.0.0.1:${port}/`])).code).not.toBe(0);
    expect((await run('holdfast-health', [`tcp://127.0.0.1:${port}`])).code).not.toBe(0);
  });
});

describe('holdfast-member', () => {
  const note = (name: string) => join(folder, `${name}.log`);
  const lines = async (name: string) =>
    (await readFile(note(name), 'utf8').catch(() => '')).split('\n').filter(Boolean);
  const until = async (what: () => Promise<boolean>) => {
    for (const end = Date.now() + 10_000; Date.now() < end; await sleep(50)) if (await what()) return;
    throw new Error('it did not happen');
  };

  async function program(name: string): Promise<string> {
    const path = join(folder, `a-${name}`);
    const text = `#!/bin/bash
echo "start $$" >>'${note(name)}'
trap 'echo "end $(date +%s%N)" >>"${note(name)}"; exit 0' TERM
while :; do sleep 0.05; done
`;
    await writeFile(path, text);
    await chmod(path, 0o755);
    return path;
  }

  it('starts again what ends, leaves alone what was stopped, and ends Patroni before the agent', async () => {
    const [patroni, agent] = [await program('patroni'), await program('agent')];
    const member = spawn(join(folder, 'holdfast-member'), [patroni, '--', agent], { stdio: 'ignore' });
    const ended = once(member, 'exit');
    try {
      await until(async () => (await lines('patroni')).length === 1 && (await lines('agent')).length === 1);

      expect((await run('holdfast-part', ['kill', 'agent'])).code).toBe(0);
      await until(async () => (await lines('agent')).length === 2);
      expect(await lines('patroni')).toHaveLength(1);

      expect((await run('holdfast-part', ['stop', 'agent'])).code).toBe(0);
      await sleep(500);
      expect((await lines('agent')).filter((line) => line.startsWith('start'))).toHaveLength(2);
      expect((await run('holdfast-part', ['start', 'agent'])).code).toBe(0);
      await until(async () => (await lines('agent')).filter((line) => line.startsWith('start')).length === 3);

      expect((await run('holdfast-part', ['kill', 'patroni'])).code).toBe(0);
      await until(async () => (await lines('patroni')).length === 2);

      member.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
      const at = async (name: string) => BigInt((await lines(name)).at(-1)?.replace('end ', '') ?? '0');
      expect(await at('patroni')).toBeLessThan(await at('agent'));
    } finally {
      member.kill('SIGKILL');
    }
  });

  it('runs Patroni alone where there is no agent', async () => {
    const member = spawn(join(folder, 'holdfast-member'), [await program('patroni')], { stdio: 'ignore' });
    const ended = once(member, 'exit');
    await until(async () => (await lines('patroni')).length === 1);
    member.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});
