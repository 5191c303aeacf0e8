import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rmdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import {
  createTestCluster,
  createThrowAwayFolder,
  docker,
  dockerMissing,
  findLostInserts,
  prepareUniqueInserts,
  startUniqueInserts,
  type TestCluster,
  waitForHealth,
  waitUntil,
} from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** Three hosts that are addresses of this machine and share its engine; containers use the host's network as on hosts of their own. */
const missing = dockerMissing() ?? (process.getuid?.() === 0 ? undefined : 'only root can add addresses');
const addresses = ['10.77.90.1', '10.77.90.2', '10.77.90.3'];
const link = 'hf-hosts';
const engine = process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock';
const spec = (engineOf: (address: string) => string) => `name: hoststest
runtime: docker
listen: ${addresses[0]}
ports: auto
resources: { memory: 2GiB }
hosts:
${addresses.map((address) => `  - { address: ${address}, engine: '${engineOf(address)}' }`).join('\n')}
`;
const sshd = '/usr/sbin/sshd';
const sshPort = 2222;
const speaksSsh = [
  ['docker', 'compose', 'version'],
  ['/usr/bin/python3', '-c', 'import paramiko'],
].some(([program = '', ...args]) => spawnSync(program, args).status === 0);
/** At the other end the docker command asks the engine that it finds by itself. */
const sshMissing =
  existsSync(sshd) && speaksSsh && process.env.DOCKER_HOST === undefined
    ? undefined
    : 'no sshd here, Compose does not speak ssh, or no engine at its usual place';

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
}

/** An SSH server for root on all addresses with keys of its own, and an `ssh` in PATH that knows both and nothing of this machine's. */
async function startSsh(): Promise<AsyncDisposable> {
  const place = await createThrowAwayFolder();
  const folder = place.path;
  const path = process.env.PATH ?? '';
  for (const name of ['host', 'client']) {
    const { status, stderr } = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
    if (status !== 0) throw new Error(`ssh-keygen: ${stderr}`);
  }
  const made = await mkdir('/run/sshd', { recursive: true });
  const settings = [
    ...addresses.map((address) => `ListenAddress ${address}:${sshPort}`),
    `HostKey ${folder}/host`,
    `AuthorizedKeysFile ${folder}/client.pub`,
    'StrictModes no',
    'PasswordAuthentication no',
    'PermitRootLogin prohibit-password',
    'MaxStartups 100',
    'PidFile none',
  ];
  await writeFile(join(folder, 'sshd_config'), `${settings.join('\n')}\n`);
  const client = join(folder, 'bin', 'ssh');
  await mkdir(join(folder, 'bin'));
  const options = `-F none -i '${folder}/client' -o IdentitiesOnly=yes -o StrictHostKeyChecking=accept-new`;
  await writeFile(
    client,
    `#!/bin/sh\nexec /usr/bin/ssh ${options} -o 'UserKnownHostsFile=${folder}/known_hosts' "$@"\n`,
  );
  await chmod(client, 0o700);
  const server: ChildProcess = spawn(sshd, ['-D', '-e', '-f', join(folder, 'sshd_config')], { stdio: 'ignore' });
  await waitUntil('sshd listens', async () => await isListening(addresses[0] ?? ''), { timeoutMilliseconds: 10_000 });
  process.env.PATH = `${join(folder, 'bin')}${delimiter}${path}`;
  return {
    [Symbol.asyncDispose]: async () => {
      process.env.PATH = path;
      const ended = once(server, 'exit');
      if (server.kill()) await ended;
      await place[Symbol.asyncDispose]();
      if (made !== undefined) await rmdir(made);
    },
  };
}

async function isListening(host: string): Promise<boolean> {
  const socket = connect({ host, port: sshPort });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(1000) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

const severalHosts = (isSsh: boolean) => () => {
  let ssh: AsyncDisposable | undefined;
  let cluster: TestCluster;

  beforeAll(async () => {
    ip('link', 'add', link, 'type', 'bridge');
    for (const address of addresses) ip('address', 'add', `${address}/24`, 'dev', link);
    ip('link', 'set', link, 'up');
    if (isSsh) ssh = await startSsh();
    cluster = await createTestCluster(spec((address) => (isSsh ? `ssh://root@${address}:${sshPort}` : engine)));
    await cluster.json(['up'], { timeoutMilliseconds: 280_000 });
  });

  afterAll(async () => {
    await cluster?.holdfast(['down', '--purge', '--yes']);
    await cluster?.[Symbol.asyncDispose]();
    await ssh?.[Symbol.asyncDispose]();
    spawnSync('ip', ['link', 'delete', link]);
    expect(docker('container', 'ls', '--all', '--quiet', '--filter', 'label=io.holdfast.cluster=hoststest')).toBe('');
  });

  test('each has its member and its etcd, in the network of the host', async () => {
    const status = await waitForHealth(cluster);
    expect(status.members.map(({ host }) => host)).toEqual(addresses);
    const format = '{{.HostConfig.NetworkMode}} {{index .Config.Labels "io.holdfast.host"}}';
    const shown = (name: string) => docker('container', 'inspect', '--format', format, `hoststest-${name}`);
    expect(shown('patroni-postgres-2')).toBe(`host ${addresses[1]}`);
    expect(shown('etcd3')).toBe(`host ${addresses[2]}`);
    expect(shown('haproxy')).toBe(`host ${addresses[0]}`);
  });

  test('kill -9 of the primary’s container: another host takes over', async () => {
    const url = await cluster.url('rw');
    await prepareUniqueInserts(url);
    const { leader } = await waitForHealth(cluster);
    const name = `hoststest-patroni-postgres-${leader?.slice(2)}`;
    const workload = startUniqueInserts(url, 2);
    await waitUntil('writes', async () => workload.count() > 100, { timeoutMilliseconds: 30_000 });
    process.kill(Number(docker('container', 'inspect', '--format', '{{.State.Pid}}', name)), 'SIGKILL');
    const seen = workload.count();
    await waitUntil('writes after it', async () => workload.count() > seen + 50, { timeoutMilliseconds: 10_000 });
    const history = await workload.stop();
    console.log(`kill -9 of the primary's container: ${history.longestGapMilliseconds} ms without a write`);
    await waitForHealth(cluster);
    expect((await cluster.status()).leader).not.toBe(leader);
    expect(await findLostInserts(url, history)).toEqual([]);
  });
};

describe.skipIf(missing !== undefined)('several Docker hosts by their sockets', severalHosts(false));
describe.skipIf((missing ?? sshMissing) !== undefined)('several Docker hosts by ssh', severalHosts(true));

test('a host without an engine is refused by name', async () => {
  const hosts = 'hosts: [{ address: 198.51.100.1, engine: ssh://root@198.51.100.1 }, { address: 198.51.100.2 }]';
  await using cluster = await createTestCluster(`name: strangers\nruntime: docker\nlisten: 198.51.100.1\n${hosts}\n`);
  const { code, error } = await cluster.refused(['up']);
  expect([code, error.code]).toEqual([2, 'HF_DOCKER_HOSTS']);
  expect(error.message).toContain('198.51.100.2');
});
