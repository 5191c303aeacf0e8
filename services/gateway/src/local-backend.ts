import type { FastifyInstance } from 'fastify';
import type { Backend } from './backend.js';

/** A service in this process. `ready`: whether it has what it needs. */
export async function createLocalBackend(service: FastifyInstance, ready: () => boolean): Promise<Backend> {
  await service.ready();
  return {
    handle: (request, response) => service.routing(request, response),
    health: async () => (ready() ? 'ready' : 'starting'),
    async [Symbol.asyncDispose]() {
      await service.close();
    },
  };
}
