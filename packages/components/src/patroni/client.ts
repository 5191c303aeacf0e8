import type { PatroniClient, PatroniClusterMember, PatroniState } from '../clients.js';
import { unexpectedAnswer } from '../errors.js';
import { createHttpCaller, type HttpAnswer, type HttpCall } from '../http-call.js';
import { type Fields, fields, list, number, text } from '../narrow.js';
import type { JsonObject } from '../plan.js';

export interface PatroniClientOptions {
  /** `http://127.0.0.1:8008` */
  readonly url: string;
  /** For what changes something; looking is free. */
  readonly username?: string;
  readonly password?: string;
  readonly timeoutMilliseconds?: number;
  /** See HttpTarget. */
  readonly attempts?: number;
}

/** Patroni answers these when they are done, which takes as long as PostgreSQL takes to stop and start. */
const longMilliseconds = 120_000;

/** Talks to one Patroni (https://patroni.readthedocs.io/en/latest/rest_api.html). */
export function createPatroniClient(options: PatroniClientOptions): PatroniClient {
  const http = createHttpCaller({ part: 'patroni', ...options });

  function parse(answer: HttpAnswer, call: HttpCall): Fields {
    const found = fields(http.json(answer, call));
    if (found !== undefined) return found;
    throw unexpectedAnswer('patroni', options.url, `${call.method} ${call.path}`, answer.text.slice(0, 200));
  }

  async function ask(call: HttpCall): Promise<Fields> {
    return parse(await http.expect(call), call);
  }

  async function act(path: string, body: JsonObject, signal: AbortSignal): Promise<string> {
    const call = { method: 'POST', path, body, signal, timeoutMilliseconds: longMilliseconds } as const;
    return (await http.expect(call)).text.trim();
  }

  return {
    url: options.url,
    async state(signal) {
      // 503 says that this member is not running normally, in the same shape.
      const call = { method: 'GET', path: '/patroni', signal } as const;
      return readState(parse(await http.call(call), call));
    },
    async cluster(signal) {
      const answer = await ask({ method: 'GET', path: '/cluster', signal });
      return {
        scope: text(answer.scope) ?? '',
        paused: answer.pause === true,
        members: list(answer.members).map((each) => readMember(fields(each) ?? {})),
      };
    },
    async config(signal) {
      return (await ask({ method: 'GET', path: '/config', signal })) as JsonObject;
    },
    async patchConfig(patch, signal) {
      return (await ask({ method: 'PATCH', path: '/config', body: patch, signal })) as JsonObject;
    },
    async switchover(request, signal) {
      return await act('/switchover', { ...request }, signal);
    },
    async failover(request, signal) {
      return await act('/failover', { ...request }, signal);
    },
    async restart(signal) {
      return await act('/restart', {}, signal);
    },
    async reinitialize(request, signal) {
      return await act('/reinitialize', { ...request }, signal);
    },
    async reload(signal) {
      await act('/reload', {}, signal);
    },
  };
}

function readState(answer: Fields): PatroniState {
  const patroni = fields(answer.patroni) ?? {};
  const wal = fields(answer.xlog) ?? {};
  const received = number(wal.received_location);
  const replayed = number(wal.replayed_location);
  return {
    state: text(answer.state) ?? 'unknown',
    role: roleName(answer.role),
    serverVersion: number(answer.server_version),
    timeline: number(answer.timeline),
    patroniVersion: text(patroni.version) ?? '',
    scope: text(patroni.scope) ?? '',
    name: text(patroni.name),
    systemIdentifier: text(answer.database_system_identifier),
    pendingRestart: answer.pending_restart === true,
    paused: answer.pause === true,
    dcsLastSeen: number(answer.dcs_last_seen),
    // A standby may have replayed from an archive more than it received, or received more than it replayed.
    walBytes: number(wal.location) ?? latest(received, replayed),
    replicationState: text(answer.replication_state),
  };
}

function readMember(answer: Fields): PatroniClusterMember {
  return {
    name: text(answer.name) ?? '',
    role: text(answer.role) ?? 'unknown',
    state: text(answer.state) ?? 'unknown',
    host: text(answer.host),
    port: number(answer.port),
    timeline: number(answer.timeline),
    // The text `unknown` while a member tells no position.
    lagBytes: number(answer.lag),
    pendingRestart: answer.pending_restart === true,
    tags: Object.fromEntries(Object.entries(fields(answer.tags) ?? {}).filter(isTag)),
  };
}

function roleName(role: unknown): string | undefined {
  // While PostgreSQL is not known yet, some versions say `uninitialized`.
  if (role === 'master') return 'primary';
  return role === 'uninitialized' ? undefined : text(role);
}

function latest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.max(a, b);
}

function isTag(entry: [string, unknown]): entry is [string, string | number | boolean] {
  return ['string', 'number', 'boolean'].includes(typeof entry[1]);
}
