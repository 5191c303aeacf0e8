import { type ChildProcess, spawn } from 'node:child_process';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** A pod or workload, as `kubectl port-forward` names it, and the ports that it is asked at. */
export interface Destination {
  readonly target: string;
  readonly ports: readonly number[];
}

/** A target that cannot be reached is not tried again before that. */
const pauseMilliseconds = 1000;
const startMilliseconds = 10_000;

/**
 * Ports on this machine's loopback that lead into the Kubernetes cluster, by `kubectl port-forward`. A door stays where it is while pods come and go:
 * a tunnel is made when somebody knocks, and made anew when it broke. What cannot be reached is hung up on.
 */
export class Doors implements AsyncDisposable {
  readonly #tunnels = new Map<string, Tunnel>();
  /** By target and the port there. */
  readonly #ports = new Map<string, number>();
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(readonly namespace: string) {}

  /** Opens a door for each port; answers once all listen. Nothing is asked of the Kubernetes cluster. */
  static async open(
    namespace: string,
    destinations: readonly Destination[],
  ): Promise<{ readonly doors: Doors; readonly port: (target: string, remote: number) => number }> {
    const doors = new Doors(namespace);
    for (const destination of destinations) await doors.add(destination);
    return { doors, port: (target, remote) => doors.#ports.get(`${target} ${remote}`) ?? 0 };
  }

  /** Doors to a target that came later; those that are there stay. Answers the port of its first one. */
  async add(destination: Destination): Promise<number> {
    const { target, ports } = destination;
    if (!this.#tunnels.has(target)) {
      const tunnel = new Tunnel(this.namespace, destination);
      this.#tunnels.set(target, tunnel);
      for (const remote of ports) this.#ports.set(`${target} ${remote}`, await this.#listen(tunnel, remote));
    }
    return this.#ports.get(`${target} ${ports[0] ?? 0}`) ?? 0;
  }

  /** Makes these tunnels at once, so that the first question does not wait for them. Never throws. */
  async warm(targets: readonly string[], signal: AbortSignal): Promise<void> {
    const all = targets.flatMap((target) => this.#tunnels.get(target) ?? []);
    const over = new AbortController();
    await Promise.race([
      Promise.allSettled(all.map(async (tunnel) => await tunnel.open())),
      sleep(startMilliseconds, undefined, { signal: over.signal, ref: false }).catch(() => undefined),
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { signal: over.signal })),
    ]);
    over.abort();
  }

  async #listen(tunnel: Tunnel, remote: number): Promise<number> {
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      void lead(socket, tunnel, remote);
    });
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port: 0, host: '127.0.0.1' }, resolve);
    });
    // A door that nobody uses keeps no command running.
    server.unref();
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers) server.close();
    await Promise.all([...this.#tunnels.values()].map(async (tunnel) => await tunnel.close()));
  }
}

/** One port of one pod. */
export interface PodWay {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/** A door of its own to it, for a process that outlives the one that found the pod. */
export async function openWay({ namespace, pod, port }: PodWay): Promise<AsyncDisposable & { readonly port: number }> {
  const target = `pod/${pod}`;
  const { doors, port: door } = await Doors.open(namespace, [{ target, ports: [port] }]);
  return { port: door(target, port), [Symbol.asyncDispose]: async () => await doors[Symbol.asyncDispose]() };
}

async function lead(socket: Socket, tunnel: Tunnel, remote: number): Promise<void> {
  socket.on('error', () => socket.destroy());
  try {
    const port = (await tunnel.open()).get(remote);
    if (socket.destroyed || port === undefined) {
      socket.destroy();
      return;
    }
    const inner = connect({ host: '127.0.0.1', port, noDelay: true });
    socket.setNoDelay(true);
    inner.on('error', () => socket.destroy());
    inner.once('close', () => socket.destroy());
    socket.once('close', () => inner.destroy());
    socket.pipe(inner).pipe(socket);
  } catch {
    socket.destroy();
  }
}

/** Commands that must not outlive this process; one listener for all of them. */
const living = new Set<ChildProcess>();

function endWithProcess(child: ChildProcess): void {
  if (!process.listeners('exit').includes(endLiving)) process.on('exit', endLiving);
  living.add(child);
}

function endLiving(): void {
  for (const child of living) child.kill('SIGKILL');
}

/** One `kubectl port-forward` for all ports of a target; gives local ports by remote ones. */
class Tunnel {
  #child: ChildProcess | undefined;
  #opening: Promise<ReadonlyMap<number, number>> | undefined;
  #failedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(
    readonly namespace: string,
    readonly destination: Destination,
  ) {}

  async open(): Promise<ReadonlyMap<number, number>> {
    if (this.#closed) throw new Error('closed');
    if (this.#opening === undefined) {
      if (performance.now() - this.#failedAt < pauseMilliseconds)
        throw new Error(`${this.destination.target} is not there`);
      this.#opening = this.#start();
    }
    return await this.#opening;
  }

  async #start(): Promise<ReadonlyMap<number, number>> {
    const { target, ports } = this.destination;
    const args = ['port-forward', '--namespace', this.namespace, target, ...ports.map((port) => `:${port}`)];
    const child = spawn('kubectl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    const end = () => child.kill('SIGKILL');
    endWithProcess(child);
    const over = new Promise<never>((_resolve, reject) => {
      const gone = () => {
        living.delete(child);
        if (this.#child === child) {
          this.#child = undefined;
          this.#opening = undefined;
          this.#failedAt = performance.now();
        }
        reject(new Error(`${target} cannot be reached`));
      };
      child.once('error', gone);
      child.once('close', gone);
    });
    over.catch(() => undefined);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (isLost(text)) child.kill('SIGTERM');
    });
    const limit = setTimeout(end, startMilliseconds);
    const found = new Map<number, number>();
    const listening = new Promise<ReadonlyMap<number, number>>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const [, local, remote] = /^Forwarding from 127\.0\.0\.1:(\d+) -> (\d+)/.exec(line) ?? [];
        if (local !== undefined && remote !== undefined) found.set(Number(remote), Number(local));
        if (found.size === ports.length) resolve(found);
      });
    });
    try {
      const result = await Promise.race([listening, over]);
      // Nothing of it keeps a command running.
      child.unref();
      for (const stream of [child.stdout, child.stderr]) (stream as unknown as Socket).unref();
      return result;
    } finally {
      clearTimeout(limit);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.ref();
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), 1000);
    await ended;
    clearTimeout(force);
  }
}

/**
 * What kubectl prints when what it forwards to is gone, line by line; that nothing listens at a port of a living pod is no reason, and kubectl says
 * much the same then. Pure.
 */
export function isLost(text: string): boolean {
  return text
    .split('\n')
    .filter((line) => !/connection refused/i.test(line))
    .some((line) =>
      /lost connection to pod|not found|not running|network namespace|error creating (error|forwarding) stream/i.test(
        line,
      ),
    );
}
