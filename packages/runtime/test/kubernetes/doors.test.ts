import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Doors, isLost } from '../../src/kubernetes/doors.js';

/** What kubectl port-forward does, on this machine: each remote port is one of 127.0.0.1. Writes its pid; ends when asked. */
const standIn = `#!/usr/bin/env node
const { createServer, connect } = require('node:net');
require('node:fs').appendFileSync(process.env.STAND_IN_LOG, process.pid + ' ' + process.argv.slice(2).join(' ') + '\\n');
if (process.argv.includes('pod/absent')) { console.error('Error from server (NotFound): pods "absent" not found'); process.exit(1); }
for (const argument of process.argv.filter((each) => each.startsWith(':'))) {
  const remote = Number(argument.slice(1));
  const server = createServer((socket) => {
    const inner = connect(remote, '127.0.0.1');
    inner.on('error', () => socket.destroy());
    socket.on('error', () => inner.destroy());
    socket.pipe(inner).pipe(socket);
  });
  server.listen(0, '127.0.0.1', () => console.log('Forwarding from 127.0.0.1:' + server.address().port + ' -> ' + remote));
}
`;

describe('doors into a Kubernetes cluster', () => {
  let folder = '';
  let path: string | undefined;
  let echo: Server;
  let port = 0;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-doors-'));
    writeFileSync(join(folder, 'kubectl'), standIn);
    chmodSync(join(folder, 'kubectl'), 0o755);
    path = process.env.PATH;
    process.env.PATH = `${folder}:${path}`;
    process.env.STAND_IN_LOG = join(folder, 'log');
    writeFileSync(join(folder, 'log'), '');
    echo = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const address = echo.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterEach(() => {
    process.env.PATH = path;
    echo.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const started = () =>
    readFileSync(join(folder, 'log'), 'utf8')
      .trim()
      .split('\n')
      .filter((line) => line !== '');
  const ask = async (door: number): Promise<string> => {
    const socket = connect(door, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('hello');
    const answer = await Promise.race([
      once(socket, 'data').then(([data]) => String(data)),
      once(socket, 'close').then(() => 'closed'),
    ]);
    socket.destroy();
    return answer;
  };

  it('start nothing until somebody knocks, and one command for all ports of a pod', async () => {
    const { doors, port: door } = await Doors.open('shop', [{ target: 'pod/postgres-0', ports: [port] }]);
    await using _doors = doors;
    expect(started()).toEqual([]);
    expect(await Promise.all([ask(door('pod/postgres-0', port)), ask(door('pod/postgres-0', port))])).toEqual([
      'hello',
      'hello',
    ]);
    expect(started()).toHaveLength(1);
    expect(started()[0]).toContain(`port-forward --namespace shop pod/postgres-0 :${port}`);
  });

  it('make the tunnel anew when it broke, at the same door', async () => {
    const { doors, port: door } = await Doors.open('shop', [{ target: 'pod/postgres-0', ports: [port] }]);
    await using _doors = doors;
    const here = door('pod/postgres-0', port);
    expect(await ask(here)).toBe('hello');
    process.kill(Number(started()[0]?.split(' ')[0]), 'SIGKILL');
    const end = performance.now() + 15_000;
    let answer = '';
    while (answer !== 'hello' && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      answer = await ask(here);
    }
    expect(answer).toBe('hello');
    expect(started()).toHaveLength(2);
  });

  it('hang up where there is nothing, and do not ask again at once', async () => {
    const { doors, port: door } = await Doors.open('shop', [{ target: 'pod/absent', ports: [port] }]);
    await using _doors = doors;
    const here = door('pod/absent', port);
    expect(await ask(here)).toBe('closed');
    expect(await ask(here)).toBe('closed');
    expect(started()).toHaveLength(1);
  });

  it('are gone with what they started when they are disposed of', async () => {
    const { doors, port: door } = await Doors.open('shop', [{ target: 'pod/postgres-0', ports: [port] }]);
    const here = door('pod/postgres-0', port);
    expect(await ask(here)).toBe('hello');
    await doors[Symbol.asyncDispose]();
    await expect(ask(here)).rejects.toThrow('ECONNREFUSED');
    expect(() => process.kill(Number(started()[0]?.split(' ')[0]), 0)).toThrow();
  });
});

it.each([
  [true, 'error: lost connection to pod'],
  [true, 'E1127 portforward.go:400] an error occurred forwarding 1 -> 2: error forwarding port 2 to pod x: not found'],
  [
    false,
    'E1127 portforward.go:400] an error occurred forwarding 1 -> 2: failed to execute portforward in network namespace "/var/run/netns/x": failed to connect to localhost:2: dial tcp4 127.0.0.1:2: connect: connection refused',
  ],
])('a tunnel is lost: %s (%s)', (lost, text) => expect(isLost(text)).toBe(lost));
