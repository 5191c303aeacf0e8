import { Agent, request } from 'undici';
import type { EtcdWatchBatch } from '../clients.js';
import { refused, unexpectedAnswer, unreachable } from '../errors.js';
import { fields, list, text } from '../narrow.js';
import { createConnector, type TlsFiles } from '../tls.js';
import { keyValue, prefixRange } from './encoding.js';

const connectMilliseconds = 1000;
/** Patroni's keys of one revision are a few KiB. */
const longestLine = 4 * 1024 * 1024;

/**
 * Changes below a prefix, over one long HTTP answer with a JSON document a line
 * (https://etcd.io/docs/v3.4/learning/api/#watch-streams). See EtcdClient.watch.
 */
export async function* watchPrefix(
  { url, tls }: { readonly url: string; readonly tls?: TlsFiles | undefined },
  prefix: string,
  fromRevision: string,
  signal: AbortSignal,
): AsyncGenerator<EtcdWatchBatch, void> {
  const agent = new Agent({ connect: createConnector(connectMilliseconds, tls), headersTimeout: 0, bodyTimeout: 0 });
  try {
    const response = await request(`${url}/v3/watch`, {
      method: 'POST',
      dispatcher: agent,
      body: JSON.stringify({ create_request: { ...prefixRange(prefix), start_revision: fromRevision } }),
      signal,
    });
    let rest = '';
    response.body.setEncoding('utf8');
    for await (const chunk of response.body as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > longestLine) throw unexpectedAnswer('etcd', url, 'POST /v3/watch', rest.slice(0, 200));
      for (const line of lines) {
        const batch = readBatch(url, line);
        if (batch !== undefined) yield batch;
      }
    }
    throw new Error('the watch ended');
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('HF_')) throw error;
    throw unreachable('etcd', url, error);
  } finally {
    await agent.destroy();
  }
}

function readBatch(url: string, line: string): EtcdWatchBatch | undefined {
  if (line.trim() === '') return undefined;
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    throw unexpectedAnswer('etcd', url, 'POST /v3/watch', line.slice(0, 200));
  }
  const result = fields(fields(message)?.result);
  if (result === undefined || result.canceled === true) {
    throw refused('etcd', url, 'POST /v3/watch', 200, line.slice(0, 500));
  }
  return {
    revision: text(fields(result.header)?.revision) ?? '0',
    events: list(result.events).map((each) => {
      const event = fields(each) ?? {};
      return { ...keyValue(fields(event.kv) ?? {}), deleted: event.type === 'DELETE' };
    }),
  };
}
