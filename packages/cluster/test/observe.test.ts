import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createEtcdClient,
  createHaproxyClient,
  createPatroniClient,
  etcdClientUrl,
  haproxyStatsUrl,
  patroniUrl,
} from '@holdfast/components';
import type { Runtime } from '@holdfast/runtime';
import type { ClusterSpec } from '@holdfast/spec';
import { afterEach, describe, expect, test } from 'vitest';
import type { ClusterContext } from '../src/context.js';
import { fetchView } from '../src/view/fetch-view.js';
import { findPostmaster } from '../src/view/local-facts.js';
import { answer } from '../src/view/observation.js';
import { testSpec } from './fixtures.js';

const clean: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of clean.splice(0).reverse()) await undo();
});

/** Accepts connections and never says a word, as the kernel does for a frozen process. */
async function silentServer(onData: (socket: Socket) => void = () => {}): Promise<Server> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => onData(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  clean.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** The whole cluster at one port, where nobody answers; neither does the runtime. */
function contextAt(port: number, poolerPort = port): ClusterContext {
  const given = testSpec();
  const spec: ClusterSpec = {
    ...given,
    members: given.members.map((member) => ({ ...member, patroniPort: port })),
    etcd: { ...given.etcd, members: given.etcd.members.map((member) => ({ ...member, clientPort: port })) },
    haproxy: { ...given.haproxy, statsPort: port },
    pooler: { ...given.pooler, port: poolerPort },
  };
  const never = () => new Promise<never>(() => {});
  const runtime: Partial<Runtime> = { status: never, currentPlan: never };
  return {
    spec,
    specFile: undefined,
    specDirectory: '/nowhere',
    stateDirectory: '/nowhere',
    runtime: runtime as Runtime,
    secrets: undefined,
    clients: {
      patroni: spec.members.map((member) => ({
        member: member.name,
        client: createPatroniClient({ url: patroniUrl(member) }),
      })),
      etcd: spec.etcd.members.map((member) => ({
        member: member.name,
        client: createEtcdClient({ url: etcdClientUrl(member) }),
      })),
      haproxy: createHaproxyClient({ url: haproxyStatsUrl(spec.haproxy) }),
    },
  };
}

describe('fetchView', () => {
  test('answers within two seconds though every part is frozen', async () => {
    const context = contextAt(portOf(await silentServer()));
    const from = performance.now();
    const view = await fetchView(context, new AbortController().signal);
    expect(performance.now() - from).toBeLessThan(2000);
    expect(view.members.every(({ state }) => state === 'unreachable')).toBe(true);
    expect(view.etcd.every(({ healthy }) => !healthy)).toBe(true);
    expect(view.proxies.every(({ healthy }) => !healthy)).toBe(true);
    expect(view.unknown).toHaveLength(10);
    expect(view.unknown.every((line) => line.includes('no answer within'))).toBe(true);
  });

  test('says why when connections are refused', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = portOf(server);
    server.close();
    await once(server, 'close');
    const view = await fetchView(contextAt(port), new AbortController().signal);
    expect(view.unknown).toContain(`pg1: Patroni: connect ECONNREFUSED 127.0.0.1:${port}`);
  });

  test('a pooler lives when it answers the question for TLS', async () => {
    const [frozen, pooler] = [await silentServer(), await silentServer((socket) => socket.write('N'))];
    const view = await fetchView(contextAt(portOf(frozen), portOf(pooler)), new AbortController().signal);
    expect(view.proxies.find(({ name }) => name === 'pgbouncer')?.healthy).toBe(true);
  });

  test('ends at once when it is aborted', async () => {
    const context = contextAt(portOf(await silentServer()));
    const from = performance.now();
    await expect(fetchView(context, AbortSignal.timeout(50))).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(performance.now() - from).toBeLessThan(900);
  });
});

test('answer turns what is thrown, at once or later, into a reason', async () => {
  const options = { signal: new AbortController().signal, timeoutMilliseconds: 1000 };
  const later = answer(() => Promise.reject(new Error('later')), options);
  const atOnce = answer(() => {
    throw new Error('at once');
  }, options);
  expect(await later).toEqual({ ok: false, reason: 'later' });
  expect(await atOnce).toEqual({ ok: false, reason: 'at once' });
  expect(await answer(async () => 7, options)).toMatchObject({ ok: true, value: 7 });
});

describe('findPostmaster', () => {
  async function folder(): Promise<string> {
    const path = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-postmaster-')));
    clean.push(() => rm(path, { recursive: true, force: true }));
    return path;
  }

  async function sleeper(cwd: string): Promise<number> {
    const child = spawn('sleep', ['60'], { cwd, stdio: 'ignore' });
    await once(child, 'spawn');
    clean.push(async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    });
    return child.pid ?? 0;
  }

  test('believes a pid only when that process works in that data directory', async () => {
    const path = await folder();
    const data = join(path, 'data');
    await mkdir(data);
    expect(await findPostmaster(data)).toBeUndefined();
    const [postmaster, stranger] = [await sleeper(data), await sleeper(path)];
    const note = async (pid: number | string) => await writeFile(join(data, 'postmaster.pid'), `${pid}\n${data}\n`);
    await note(postmaster);
    expect(await findPostmaster(data)).toBe(postmaster);
    await note(stranger);
    expect(await findPostmaster(data)).toBeUndefined();
    await note(4_194_305);
    expect(await findPostmaster(data)).toBeUndefined();
    await note('');
    expect(await findPostmaster(data)).toBeUndefined();
  });
});
