import type { Answer } from '../respond/answer.js';
import { handleCall } from './handle-call.js';
import { handleMutation } from './handle-mutation.js';
import { handleRead } from './handle-read.js';
import type { Work } from './work.js';

/** Reads, changes and calls. Throws RestError, or what the database rejected with. */
export async function handleRequest(work: Work): Promise<Answer> {
  const { target } = work.request;
  switch (target.kind) {
    case 'read':
      return await handleRead(work, target);
    case 'mutation':
      return await handleMutation(work, target);
    case 'call':
      return await handleCall(work, target.routine, target.method);
    case 'root':
    case 'info':
      throw new Error('the root and OPTIONS need no transaction of this kind');
  }
}
