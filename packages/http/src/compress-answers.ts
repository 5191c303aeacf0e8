import type { ServerResponse } from 'node:http';
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

type HeaderValue = number | string | readonly string[] | undefined;

/** An answer's headers so far, wherever they are kept. */
interface AnswerHeaders {
  get(name: string): HeaderValue;
  set(name: string, value: string): void;
}

/**
 * Compresses text of 1 KiB and more where the client takes that. (@fastify/compress leaves answers with Content-Range alone, which to REST is a
 * count of rows and stands on each of its answers.) To be called before the service's routes are there.
 */
export function compressAnswers(service: FastifyInstance): void {
  service.addHook('onSend', (request, reply, payload: unknown, done) => {
    if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return done(null, payload);
    const headers = {
      get: (name: string) => reply.getHeader(name),
      set: (name: string, value: string) => void reply.header(name, value),
    };
    const packing = compressBody(payload, request.headers['accept-encoding'], headers);
    if (packing === undefined) return done(null, payload);
    packing.then(
      (packed) => {
        reply.header('content-length', packed.length);
        done(null, packed);
      },
      (error: Error) => done(error),
    );
  });
}

/** The same for a service that writes its answers itself. undefined: the body goes as it is. Sets headers of the answer in both cases. */
export function compressFor(
  response: ServerResponse,
  body: string | Buffer,
  accepted: string | readonly string[] | undefined,
): Promise<Buffer> | undefined {
  // Most answers are short; nothing is made for them.
  if (body.length < compressFrom && Buffer.byteLength(body) < compressFrom) return undefined;
  return compressBody(body, accepted, {
    get: (name) => response.getHeader(name),
    set: (name, value) => void response.setHeader(name, value),
  });
}

function compressBody(
  body: string | Buffer,
  accepted: string | readonly string[] | undefined,
  headers: AnswerHeaders,
): Promise<Buffer> | undefined {
  if (Buffer.byteLength(body) < compressFrom || headers.get('content-encoding') !== undefined) return undefined;
  if (!compressible.test(String(headers.get('content-type') ?? ''))) return undefined;
  const vary = headers.get('vary');
  headers.set('vary', vary === undefined ? 'Accept-Encoding' : `${String(vary)}, Accept-Encoding`);
  const encoding = chooseEncoding(accepted);
  if (encoding === undefined) return undefined;
  headers.set('content-encoding', encoding);
  const bytes = Buffer.from(body);
  return encoding === 'gzip' ? gzipped(bytes, gzipOptions) : brotlied(bytes, brotliOptions);
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
