import { connect } from 'node:net';
import { connectHost, dcsPrefix } from '@holdfast/components';
import type { ClusterContext } from '../context.js';
import { answer, type Observation } from './observation.js';

/** A part that does not answer within this is reported as unknown: a frozen process accepts TCP and never answers. */
export const partTimeoutMilliseconds = 1000;
/**
 * The same through a door of the runtime kubernetes: what ends with its connection, as Patroni's answers do, arrives a second late there, since
 * containerd waits so long before it closes a forwarded connection.
 */
export const doorTimeoutMilliseconds = 5000;

/**
 * Asks every part at once, each with its own time limit. Never throws for a dead part; throws when `signal` aborts.
 * The runtime gets a little longer: behind a frozen supervisor it still finds the processes by itself.
 */
export async function observe(
  context: ClusterContext,
  signal: AbortSignal,
  timeoutMilliseconds = context.spec.inside === undefined ? partTimeoutMilliseconds : doorTimeoutMilliseconds,
): Promise<Observation> {
  signal.throwIfAborted();
  const { clients, runtime, spec } = context;
  await runtime.reach?.(signal);
  const options = { signal, timeoutMilliseconds };
  const prefix = dcsPrefix(spec);
  const [units, patroni, etcd, haproxy, pooler] = await Promise.all([
    answer((limit) => runtime.status(limit), { signal, timeoutMilliseconds: 1.6 * timeoutMilliseconds }),
    Promise.all(
      clients.patroni.map(async ({ member, client }) => {
        const [state, cluster] = await Promise.all([
          answer((limit) => client.state(limit), options),
          answer((limit) => client.cluster(limit), options),
        ]);
        return { member, url: client.url, state, cluster };
      }),
    ),
    Promise.all(
      clients.etcd.map(async ({ member, client }) => {
        const [status, alarms, keys] = await Promise.all([
          answer((limit) => client.status(limit), options),
          answer((limit) => client.alarms(limit), options),
          answer((limit) => client.getPrefix(prefix, limit), options),
        ]);
        return { member, url: client.url, status, alarms, keys };
      }),
    ),
    answer((limit) => clients.haproxy.statistics(limit), options),
    spec.pooler.enabled
      ? answer((limit) => knock(connectHost(spec.pooler.host), spec.pooler.port, limit), options)
      : undefined,
  ]);
  signal.throwIfAborted();
  return { at: Date.now(), units, patroni, etcd, haproxy, pooler };
}

/**
 * Asks a PostgreSQL-speaking server whether it offers TLS and takes any answer for life. Unlike a bare connect this tells a
 * frozen process from a living one, and unlike a login it needs no secret.
 * https://www.postgresql.org/docs/15/protocol-message-formats.html, SSLRequest
 */
function knock(host: string, port: number, signal: AbortSignal): Promise<true> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const finish = (outcome: () => void) => {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      outcome();
    };
    const onAbort = () => finish(() => reject(new Error(`no answer from ${host}:${port}`)));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const sslRequest = Buffer.alloc(8);
    sslRequest.writeInt32BE(8, 0);
    sslRequest.writeInt32BE(80877103, 4);
    socket.once('connect', () => socket.write(sslRequest));
    socket.once('data', () => finish(() => resolve(true)));
    socket.once('error', (error) => finish(() => reject(error)));
    socket.once('close', () => finish(() => reject(new Error(`${host}:${port} closed the connection`))));
  });
}
