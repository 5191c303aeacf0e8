import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findAccount, isRoot } from '../src/process/accounts.js';
import { hasNetworkNamespace, networkNamespacePath } from '../src/process/network-namespace.js';
import { portHolder } from '../src/process/port-holder.js';
import { readCmdline } from '../src/process/proc.js';
import { eventually, makeTestCluster, marked, script, signal, type TestCluster } from './support/test-cluster.js';

const user = findAccount('postgres') === undefined ? 'nobody' : 'postgres';
const account = findAccount(user);
const namespace = `hfrt${process.pid}`;
const port = 7777;
const listening = script(`require('net').createServer().listen(${port}, '127.0.0.1'); console.log('up')`);

describe.skipIf(!isRoot() || account === undefined)('a unit in a network namespace (needs root)', () => {
  let cluster: TestCluster;
  beforeEach(() => {
    execFileSync('ip', ['netns', 'add', namespace]);
    execFileSync('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
    cluster = makeTestCluster();
  });
  afterEach(async () => {
    try {
      await cluster.close();
    } finally {
      execFileSync('ip', ['netns', 'delete', namespace]);
    }
  });

  const network = (pid: number) => readlinkSync(`/proc/${pid}/ns/net`);
  const running = async () => {
    const { pid } = await cluster.until('one', (status) => status.pid !== undefined);
    // The process replaces nsenter and setpriv, which takes a moment.
    await eventually(
      () => readCmdline(pid ?? 0),
      (cmdline) => cmdline[0] === listening[0],
    );
    return pid ?? 0;
  };

  it('is its own process, in that network, under its account, without groups of root', async () => {
    await cluster.apply(cluster.unit('one', { user, namespace, argv: listening }));
    const pid = await running();
    expect(readCmdline(pid)).toEqual(listening);
    expect(network(pid)).toBe(`net:[${statSync(networkNamespacePath(namespace)).ino}]`);
    expect(network(pid)).not.toBe(network(process.pid));
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const ids = (id: number | undefined) => [id, id, id, id].join('\t');
    expect(/^Uid:\t(.*)$/m.exec(status)?.[1]).toBe(ids(account?.uid));
    expect(/^Gid:\t(.*)$/m.exec(status)?.[1]).toBe(ids(account?.gid));
    expect(/^Groups:\t(.*)$/m.exec(status)?.[1]?.trim()).toBe('');
    expect(/^CapEff:\t(.*)$/m.exec(status)?.[1]).toBe('0000000000000000');
    expect(marked(cluster.directory).map((each) => each.pid)).toEqual([pid]);
  });

  it('is taken back by the next supervisor, and starts in that network again', async () => {
    await cluster.apply(cluster.unit('one', { user, namespace, argv: listening }));
    const pid = await running();
    await cluster.killSupervisor();
    await cluster.runtime.start('one', signal);
    expect((await cluster.status('one')).pid).toBe(pid);
    await cluster.runtime.kill('one', signal);
    const next = await cluster.until('one', (status) => status.pid !== undefined && status.pid !== pid);
    expect(network(next.pid ?? 0)).not.toBe(network(process.pid));
  });

  it('holds its port there and not here', async () => {
    expect(portHolder('127.0.0.1', port, namespace)).toBeUndefined();
    await cluster.apply(cluster.unit('one', { user, namespace, argv: listening }));
    const pid = await running();
    const holder = await eventually(
      () => portHolder('127.0.0.1', port, namespace),
      (found) => found !== undefined,
    );
    expect(holder?.pid).toBe(pid);
    expect(portHolder('127.0.0.1', port)).toBeUndefined();
  });

  it('that is not there ends in a backoff that says so', async () => {
    await cluster.apply(cluster.unit('one', { namespace: `${namespace}x`, argv: listening }));
    const { lastOutput } = await cluster.until('one', (status) => status.state === 'backoff');
    expect(lastOutput?.join('\n')).toContain(`${namespace}x`);
    expect([hasNetworkNamespace(namespace), hasNetworkNamespace(`${namespace}x`)]).toEqual([true, false]);
  });
});
