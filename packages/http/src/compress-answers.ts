import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyInstance } from 'fastify';

const gzipped = promisify(gzip);
const brotlied = promisify(brotliCompress);

/** Below this an answer is one packet anyway. */
const compressFrom = 1024;
const compressible = /^(?:text\/|application\/(?:[\w.+-]*\+)?(?:json|xml|javascript|csv)|image\/svg)/i;
/** Fast rather than small: the database's rows are what waits. */
const gzipOptions = { level: 4 };
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } };

export type Encoding = 'gzip' | 'br';

/**
 * Compresses text of 1 KiB and more where the client takes that. (@fastify/compress leaves answers with Content-Range alone, which to REST is a
 * count of rows and stands on each of its answers.) To be called before the service's routes are there.
 */
export function compressAnswers(service: FastifyInstance): void {
  service.addHook('onSend', async (request, reply, payload: unknown) => {
    if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return payload;
    if (Buffer.byteLength(payload) < compressFrom || reply.hasHeader('content-encoding')) return payload;
    if (!compressible.test(String(reply.getHeader('content-type') ?? ''))) return payload;
    const vary = reply.getHeader('vary');
    reply.header('vary', vary === undefined ? 'Accept-Encoding' : `${String(vary)}, Accept-Encoding`);
    const encoding = chooseEncoding(request.headers['accept-encoding']);
    if (encoding === undefined) return payload;
    const bytes = Buffer.from(payload);
    const packed = encoding === 'gzip' ? await gzipped(bytes, gzipOptions) : await brotlied(bytes, brotliOptions);
    reply.header('content-encoding', encoding);
    reply.header('content-length', packed.length);
    return packed;
  });
}

/** RFC 9110, 12.5.3; gzip where both are as welcome: it takes a third of the time. Pure. */
export function chooseEncoding(header: string | readonly string[] | undefined): Encoding | undefined {
  if (typeof header !== 'string') return undefined;
  const weights = new Map<string, number>();
  for (const part of header.toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((each) => each.trim());
    const quality = parameters.find((each) => each.startsWith('q='))?.slice(2);
    const weight = quality === undefined ? 1 : Number(quality);
    weights.set(name, Number.isNaN(weight) ? 0 : weight);
  }
  const weightOf = (name: Encoding) => weights.get(name) ?? weights.get('*') ?? 0;
  const [gzipWeight, brotliWeight] = [weightOf('gzip'), weightOf('br')];
  if (gzipWeight === 0 && brotliWeight === 0) return undefined;
  return gzipWeight >= brotliWeight ? 'gzip' : 'br';
}
