import autocannon from 'autocannon';
import { percentile } from '../statistics.js';

export interface Load {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly connections: number;
  readonly seconds: number;
}

export interface Measured {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p99: number;
}

/** Throws when an answer is none of 2xx: a wrong number is worse than none. */
export async function measure({ url, method, headers, body, connections, seconds }: Load): Promise<Measured> {
  // Its own percentiles are whole milliseconds.
  const latencies: number[] = [];
  const options = {
    url,
    method,
    headers: { ...headers },
    ...(body === undefined ? {} : { body }),
    connections,
    duration: seconds,
  };
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const run = autocannon(options, (error: unknown, found) =>
      error instanceof Error ? reject(error) : resolve(found),
    );
    run.on('response', (_client, _status, _bytes, milliseconds) => latencies.push(milliseconds));
  });
  if (result.non2xx + result.errors > 0 || result['2xx'] === 0) {
    throw new Error(`${url}: ${result.non2xx} answers were not 2xx, ${result.errors} errors`);
  }
  return { perSecond: result['2xx'] / result.duration, p99: percentile(latencies, 0.99) };
}
