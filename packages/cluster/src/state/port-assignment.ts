import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { statePaths } from '@holdfast/components';
import { writeFileAtomically } from '@holdfast/runtime';
import type { PortAssignment } from '@holdfast/spec';
import { noFreePorts } from '../errors.js';

/** Below Linux's usual range for outgoing connections (32768–60999), which could take a port between two starts. */
const lowest = 20_000;
const highest = 32_000;

/** How many of each a cluster needs. */
export interface PortNeeds {
  readonly members: number;
  readonly etcd: number;
}

/** What an earlier `ports: auto` chose; undefined: nothing yet. */
export async function readPorts(stateDirectory: string): Promise<PortAssignment | undefined> {
  const text = await readFile(statePaths(stateDirectory).ports, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as PortAssignment);
}

/** For `ports: auto`: keeps what was chosen before, adds free ports for what is new, and remembers them. */
export async function ensurePorts(stateDirectory: string, needs: PortNeeds, host: string): Promise<PortAssignment> {
  const before = await readPorts(stateDirectory);
  const taken = new Set<number>(before === undefined ? [] : Object.values(before).flat());
  const next = async (): Promise<number> => {
    const port = await freePort(host, taken);
    taken.add(port);
    return port;
  };
  const run = async (kept: readonly number[] | undefined, count: number): Promise<readonly number[]> => {
    const ports = [...(kept ?? [])];
    while (ports.length < count) ports.push(await next());
    return ports;
  };
  const assignment: PortAssignment = {
    postgres: await run(before?.postgres, needs.members),
    patroni: await run(before?.patroni, needs.members),
    agent: await run(before?.agent, needs.members),
    etcdClient: await run(before?.etcdClient, needs.etcd),
    etcdPeer: await run(before?.etcdPeer, needs.etcd),
    readWrite: before?.readWrite ?? (await next()),
    readOnly: before?.readOnly ?? (await next()),
    haproxyStats: before?.haproxyStats ?? (await next()),
    pooler: before?.pooler ?? (await next()),
    api: before?.api ?? (await next()),
  };
  if (JSON.stringify(assignment) !== JSON.stringify(before)) {
    writeFileAtomically(statePaths(stateDirectory).ports, `${JSON.stringify(assignment, null, 2)}\n`, {
      mode: 0o600,
      durable: true,
    });
  }
  return assignment;
}

async function freePort(host: string, taken: ReadonlySet<number>): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = randomInt(lowest, highest);
    if (!taken.has(port) && (await canListen(host, port))) return port;
  }
  throw noFreePorts(host, lowest, highest);
}

/** True when nothing listens there; tries it for real. */
export async function canListen(host: string, port: number): Promise<boolean> {
  const server = createServer();
  return await new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
