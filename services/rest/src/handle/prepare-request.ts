import { prepareCall } from './prepare-call.js';
import { prepareMutation } from './prepare-mutation.js';
import { prepareRead } from './prepare-read.js';
import type { Preparation, PreparedRequest } from './prepared-request.js';

/** Of a table or a function. Throws what `prepareRead`, `prepareMutation` and `prepareCall` do. Pure. */
export function prepareRequest(preparation: Preparation): PreparedRequest {
  const { target } = preparation.request;
  switch (target.kind) {
    case 'read':
      return prepareRead(preparation, target);
    case 'mutation':
      return prepareMutation(preparation, target);
    case 'call':
      return prepareCall(preparation, target.routine, target.method);
    case 'root':
    case 'info':
      throw new Error('the root and OPTIONS are not prepared');
  }
}
