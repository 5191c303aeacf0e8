import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyInstance } from 'fastify';
import { parseRequestId } from './request-id.js';

export interface ServiceOptions {
  /** Bytes of a request's body. Default 10 MiB. */
  readonly bodyLimit?: number | undefined;
}

/**
 * A Fastify instance that is to hold one service. It listens nowhere: `startHttpServer` or a gateway gives it requests. It writes no log of its own, since
 * whoever gives it requests does, and answers what the service did not catch as `{"message": …}` without saying why.
 */
export function createService(options: ServiceOptions = {}): FastifyInstance {
  const service = Fastify({
    logger: false,
    bodyLimit: options.bodyLimit ?? 10 * 1024 * 1024,
    requestIdHeader: false,
    genReqId: (request) => parseRequestId(request.headers['x-request-id']) ?? randomUUID(),
    return503OnClosing: false,
    routerOptions: { maxParamLength: 4096 },
  });
  service.setErrorHandler(async (error, _request, reply) => {
    const status = statusOf(error);
    const message = status < 500 && error instanceof Error ? error.message : 'An unexpected error occurred';
    return await reply.code(status).send({ message });
  });
  return service;
}

function statusOf(error: unknown): number {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' && status >= 400 && status <= 599 ? status : 500;
}
