import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { wireBroken } from '../errors.js';
import type { LabHost, LabNetwork } from '../lab/plan-lab.js';
import { inNamespace, runTool } from '../lab/run-tool.js';

/** What happens to each frame that a host sends. */
export interface WireQuality {
  readonly delayMilliseconds: number;
  /** Standard deviation of the delay. */
  readonly jitterMilliseconds: number;
  readonly lossPercent: number;
}

/**
 * Carries frames between two interfaces: those of the first one late, those of the second one at once. Packet sockets (packet(7)) with
 * PACKET_VNET_HDR, so that checksums and segments that the kernel has left for later go through as they are, and with PACKET_IGNORE_OUTGOING, so
 * that nothing comes around again. Python, which Patroni needs anyway: Node.js has no packet sockets.
 */
const program = `
import heapq, random, select, socket, sys, time

SOL_PACKET, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING, ETH_P_ALL = 263, 15, 23, 3
slow_name, fast_name, delay, jitter, loss = sys.argv[1], sys.argv[2], *map(float, sys.argv[3:6])

def wire(name):
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    end.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    end.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    end.bind((name, 0))
    end.setblocking(False)
    return end

def frames(end):
    while True:
        try:
            yield end.recv(1 << 17)
        except BlockingIOError:
            return

def pass_on(end, frame):
    try:
        end.send(frame)
    except OSError:
        pass  # As on any wire: who sends too much loses some.

slow, fast = wire(slow_name), wire(fast_name)
late, number, last = [], 0, 0.0
print('ready', flush=True)
while True:
    wait = max(0.0, late[0][0] - time.monotonic()) if late else None
    readable = select.select([slow, fast, sys.stdin], [], [], wait)[0]
    if sys.stdin in readable and not sys.stdin.buffer.raw.read(1):
        break
    if fast in readable:
        for frame in frames(fast):
            pass_on(slow, frame)
    if slow in readable:
        for frame in frames(slow):
            if random.random() * 100 >= loss:
                # In order, as on a wire: TCP would take frames that overtake each other for lost ones.
                last = max(last, time.monotonic() + max(0.0, random.gauss(delay, jitter)) / 1000)
                number += 1
                heapq.heappush(late, (last, number, frame))
    while late and late[0][0] <= time.monotonic():
        pass_on(fast, heapq.heappop(late)[2])
`;

/** Puts a slow piece of wire between a host and the bridge. Disposing takes it out; the host is connected as before. */
export async function insertSlowWire(
  network: LabNetwork,
  host: LabHost,
  quality: WireQuality,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const ip = async (args: readonly string[], limit = signal) =>
    await runTool('ip', ['-n', network.namespace, ...args], { signal: limit });
  const [inner, outer] = [`${host.plug}in`, `${host.plug}out`];
  let carrier: ChildProcess | undefined;
  const remove = async () => {
    const limit = AbortSignal.timeout(10_000);
    await ip(['link', 'set', host.plug, 'arp', 'on', 'master', network.bridge], limit);
    if (carrier !== undefined && carrier.exitCode === null && carrier.signalCode === null) {
      const ended = once(carrier, 'close');
      carrier.kill('SIGKILL');
      await ended;
    }
    // Both ends go together; there are none where it was inserted by half.
    await ip(['link', 'delete', inner], limit).catch(() => undefined);
  };
  try {
    await ip(['link', 'add', inner, 'type', 'veth', 'peer', 'name', outer]);
    // Without an answer to ARP from the ends, which belong to nobody: else frames would find a way around the wire.
    for (const end of [inner, host.plug]) await ip(['link', 'set', end, 'arp', 'off']);
    await ip(['link', 'set', inner, 'up']);
    await ip(['link', 'set', outer, 'master', network.bridge, 'up']);
    carrier = await startCarrier(network, host.plug, inner, quality);
    // From now on every frame has the wire alone to go.
    await ip(['link', 'set', host.plug, 'nomaster']);
  } catch (error) {
    await remove();
    throw error;
  }
  return { [Symbol.asyncDispose]: remove };
}

async function startCarrier(
  { namespace }: LabNetwork,
  slow: string,
  fast: string,
  { delayMilliseconds, jitterMilliseconds, lossPercent }: WireQuality,
): Promise<ChildProcess> {
  const numbers = [delayMilliseconds, jitterMilliseconds, lossPercent].map(String);
  const [command = '', ...args] = inNamespace(namespace, ['python3', '-c', program, slow, fast, ...numbers]);
  // It ends when we do: its standard input closes then.
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  child.stdin.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => reject(wireBroken(complaint)));
    child.stdout.once('data', () => resolve());
  });
  return child;
}
