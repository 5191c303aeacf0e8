import type { ClaimedRequest } from '../../src/claimed-request.js';

/** A request like any other, but for these fields. */
export function claimed(fields: Partial<ClaimedRequest> = {}): ClaimedRequest {
  return {
    id: '1',
    token: '00000000-0000-4000-8000-000000000001',
    attempts: 1,
    method: 'GET',
    url: 'http://127.0.0.1/',
    headers: {},
    body: null,
    timeoutMilliseconds: 5000,
    size: 100,
    ...fields,
  };
}
