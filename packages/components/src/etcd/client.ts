import type { EtcdClient, EtcdKeyValue, EtcdMember } from '../clients.js';
import { createHttpCaller } from '../http-call.js';
import { type Fields, fields, list, text, texts } from '../narrow.js';
import type { JsonObject } from '../plan.js';

export interface EtcdClientOptions {
  /** `http://127.0.0.1:2379` */
  readonly url: string;
  readonly timeoutMilliseconds?: number;
}

/**
 * Talks to one etcd member through its JSON gateway: keys and values in base64, 64-bit numbers as text, and fields with
 * their zero value left out (https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/).
 */
export function createEtcdClient(options: EtcdClientOptions): EtcdClient {
  const http = createHttpCaller({ part: 'etcd', ...options });

  async function post(path: string, body: JsonObject, signal: AbortSignal): Promise<Fields> {
    const call = { method: 'POST', path, body, signal } as const;
    return fields(http.json(await http.expect(call), call)) ?? {};
  }

  async function range(query: JsonObject, signal: AbortSignal): Promise<readonly EtcdKeyValue[]> {
    const answer = await post('/v3/kv/range', query, signal);
    return list(answer.kvs).map((each) => keyValue(fields(each) ?? {}));
  }

  return {
    url: options.url,
    async status(signal) {
      const answer = await post('/v3/maintenance/status', {}, signal);
      return {
        memberId: text(fields(answer.header)?.member_id) ?? '0',
        leaderId: text(answer.leader) ?? '0',
        version: text(answer.version) ?? '',
        databaseBytes: Number(text(answer.dbSize) ?? '0'),
      };
    },
    async alarms(signal) {
      const answer = await post('/v3/maintenance/alarm', { action: 'GET' }, signal);
      return list(answer.alarms).map((each) => text(fields(each)?.alarm) ?? 'NONE');
    },
    async get(key, signal) {
      return (await range({ key: encode(key) }, signal))[0];
    },
    async getPrefix(prefix, signal) {
      return await range(prefixRange(prefix), signal);
    },
    async put(key, value, signal) {
      await post('/v3/kv/put', { key: encode(key), value: encode(value) }, signal);
    },
    async deletePrefix(prefix, signal) {
      const answer = await post('/v3/kv/deleterange', prefixRange(prefix), signal);
      return Number(text(answer.deleted) ?? '0');
    },
    async members(signal) {
      const answer = await post('/v3/cluster/member/list', {}, signal);
      return list(answer.members).map((each) => member(fields(each) ?? {}));
    },
    async addMember(peerUrl, signal) {
      await post('/v3/cluster/member/add', { peerURLs: [peerUrl] }, signal);
    },
    async removeMember(id, signal) {
      await post('/v3/cluster/member/remove', { ID: id }, signal);
    },
    async moveLeader(targetId, signal) {
      await post('/v3/maintenance/transfer-leadership', { targetID: targetId }, signal);
    },
  };
}

function keyValue(answer: Fields): EtcdKeyValue {
  return {
    key: decode(answer.key),
    value: decode(answer.value),
    modRevision: text(answer.mod_revision) ?? '0',
  };
}

function member(answer: Fields): EtcdMember {
  return {
    id: text(answer.ID) ?? '0',
    name: text(answer.name) ?? '',
    peerUrls: texts(answer.peerURLs),
    clientUrls: texts(answer.clientURLs),
  };
}

/** All keys from `prefix` up to, not including, its successor: the prefix with its last byte counted up. */
function prefixRange(prefix: string): JsonObject {
  if (prefix === '') throw new RangeError('An empty prefix would mean every key there is.');
  const end = Buffer.from(prefix);
  // UTF-8 has no byte 0xff, so there is nothing to carry.
  end.writeUInt8(end.readUInt8(end.length - 1) + 1, end.length - 1);
  return { key: encode(prefix), range_end: end.toString('base64') };
}

function encode(value: string): string {
  return Buffer.from(value).toString('base64');
}

function decode(value: unknown): string {
  return Buffer.from(text(value) ?? '', 'base64').toString('utf8');
}
