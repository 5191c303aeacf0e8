import type { EtcdClient, EtcdKeyValue, EtcdMember, EtcdTransaction } from '../clients.js';
import { createHttpCaller } from '../http-call.js';
import { type Fields, fields, list, text, texts } from '../narrow.js';
import type { JsonObject } from '../plan.js';
import type { TlsFiles } from '../tls.js';
import { encode, keyValue, prefixRange } from './encoding.js';
import { watchPrefix } from './watch.js';

export interface EtcdClientOptions {
  /** `http://127.0.0.1:2379` */
  readonly url: string;
  readonly timeoutMilliseconds?: number;
  /** For `https://`. */
  readonly tls?: TlsFiles | undefined;
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
    async snapshot(prefix, signal) {
      const answer = await post('/v3/kv/range', prefixRange(prefix), signal);
      return {
        revision: text(fields(answer.header)?.revision) ?? '0',
        entries: list(answer.kvs).map((each) => keyValue(fields(each) ?? {})),
      };
    },
    watch: (prefix, { fromRevision, signal }) => watchPrefix(options, prefix, fromRevision, signal),
    async transact(transaction, signal) {
      const answer = await post('/v3/kv/txn', renderTransaction(transaction), signal);
      return { succeeded: answer.succeeded === true, revision: text(fields(answer.header)?.revision) ?? '0' };
    },
    async revokeLease(id, signal) {
      await post('/v3/lease/revoke', { ID: id }, signal);
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

function member(answer: Fields): EtcdMember {
  return {
    id: text(answer.ID) ?? '0',
    name: text(answer.name) ?? '',
    peerUrls: texts(answer.peerURLs),
    clientUrls: texts(answer.clientURLs),
  };
}

/** A comparison that names no result means EQUAL. */
function renderTransaction({ compare, success }: EtcdTransaction): JsonObject {
  return {
    compare: compare.map((each): JsonObject => {
      const key = encode(each.key);
      if ('modRevision' in each) return { key, target: 'MOD', mod_revision: each.modRevision };
      if ('lease' in each) return { key, target: 'LEASE', lease: each.lease };
      return { key, target: 'VALUE', value: encode(each.value) };
    }),
    success: success.map((each): JsonObject => {
      if ('delete' in each) return { request_delete_range: { key: encode(each.delete) } };
      const lease = each.lease === undefined ? {} : { lease: each.lease };
      return { request_put: { key: encode(each.put), value: encode(each.value), ...lease } };
    }),
  };
}
