import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createLab, type Lab } from '../../src/lab/lab.js';
import type { LabNetwork } from '../../src/lab/plan-lab.js';
import { inNamespace } from '../../src/lab/run-tool.js';

/** What a connection is worth: it answers, is silent, was closed, or was never made. */
export type Echo = 'echo' | 'silent' | 'closed' | 'none';

export interface Reached {
  /** By `host2:5432`. */
  readonly fresh: Readonly<Record<string, Echo>>;
  /** The connection that the first question opened. */
  readonly held: Readonly<Record<string, Echo>>;
  /** How long the slowest new connection took to be answered. */
  readonly milliseconds: number;
}

/** A lab with echo servers on every host, and somebody on every host and at the bridge who can ask them. */
export interface WiredLab extends AsyncDisposable {
  readonly network: LabNetwork;
  /** What `from` (`host1`, `bridge`) reaches; `only`: of these (`host1:5432`) alone. */
  ask(from: string, only?: readonly string[]): Promise<Reached>;
}

const program = (name: string) => fileURLToPath(new URL(`./${name}`, import.meta.url));

export async function createWiredLab(hosts: number, ports: readonly number[]): Promise<WiredLab> {
  const signal = AbortSignal.timeout(60_000);
  const lab: Lab = await createLab({ hosts, signal });
  const { network } = lab.description;
  if (network === undefined) throw new Error('the lab has no network');
  const run = (namespace: string, ...argv: readonly string[]): ChildProcessWithoutNullStreams => {
    const [command = '', ...args] = inNamespace(namespace, [process.execPath, ...argv]);
    return spawn(command, args);
  };
  const servers = network.hosts.map(({ namespace, address }) =>
    run(namespace, program('echo-servers.mjs'), address, ...ports.map(String)),
  );
  await Promise.all(servers.map(async (server) => await new Promise((resolve) => server.stdout.once('data', resolve))));
  const names = new Map(network.hosts.map(({ name, address }) => [address, name]));
  const targets = network.hosts.flatMap(({ address }) => ports.map((port) => `${address}:${port}`));
  const places = [...network.hosts, { name: 'bridge', namespace: network.namespace }];
  const probes = new Map(places.map(({ name, namespace }) => [name, run(namespace, program('probe.mjs'))]));
  const lines = new Map(
    [...probes].map(([name, probe]) => [name, createInterface({ input: probe.stdout })[Symbol.asyncIterator]()]),
  );
  const named = (answers: Readonly<Record<string, Echo>>) =>
    Object.fromEntries(
      Object.entries(answers).map(([target, answer]) => {
        const [address = '', port] = target.split(':');
        return [`${names.get(address)}:${port}`, answer];
      }),
    );
  return {
    network,
    async ask(from, only) {
      const asked = targets.filter((target) => only?.includes(Object.keys(named({ [target]: 'none' })).join()) ?? true);
      probes.get(from)?.stdin.write(`${JSON.stringify(asked)}\n`);
      const line = await lines.get(from)?.next();
      const answer = JSON.parse(String(line?.value)) as Reached;
      return { ...answer, fresh: named(answer.fresh), held: named(answer.held) };
    },
    async [Symbol.asyncDispose]() {
      for (const child of [...servers, ...probes.values()]) child.kill('SIGKILL');
      await lab[Symbol.asyncDispose]();
    },
  };
}
