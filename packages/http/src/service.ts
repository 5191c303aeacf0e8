import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyInstance } from 'fastify';
import { parseRequestId } from './request-id.js';

export interface ServiceOptions {
  /** Bytes of a request's body. Default 10 MiB. */
  readonly bodyLimit?: number | undefined;
}

/**
 * A Fastify instance that is to hold one service. It listens nowhere: `startHttpServer` or a gateway gives it requests. It writes no log of its own, since
 * whoever gives it requests does. Errors are the service's to answer.
 */
export function createService(options: ServiceOptions = {}): FastifyInstance {
  return Fastify({
    logger: false,
    bodyLimit: options.bodyLimit ?? 10 * 1024 * 1024,
    requestIdHeader: false,
    genReqId: (request) => parseRequestId(request.headers['x-request-id']) ?? randomUUID(),
    return503OnClosing: false,
    routerOptions: { maxParamLength: 4096 },
  });
}
