import type { ClaimedRequest } from './claimed-request.js';
import { limits } from './limits.js';

/** Pure: why a request is not made; undefined: it is. Its row may have been put into the queue by hand, so nothing is taken for granted. */
export function judgeRequest(request: ClaimedRequest): string | undefined {
  const { attempts, method, url, size, timeoutMilliseconds } = request;
  if (attempts > limits.attempts)
    return `given up: a worker was lost ${limits.attempts} times while it made this request; whether it arrived is not known`;
  if (url === null) return `the request has ${size} bytes; at most ${limits.requestBytes} are sent`;
  if (!['GET', 'POST', 'DELETE'].includes(method)) return `unsupported request method ${method.slice(0, 20)}`;
  if (timeoutMilliseconds < 1 || timeoutMilliseconds > limits.timeoutMilliseconds)
    return `timeout_milliseconds must be between 1 and ${limits.timeoutMilliseconds}, got ${timeoutMilliseconds}`;
  if (!URL.canParse(url)) return 'URL using bad/illegal format or missing URL';
  const { protocol } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') return `unsupported protocol ${protocol.slice(0, -1)}`;
  return undefined;
}
