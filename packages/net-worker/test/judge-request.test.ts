import { describe, expect, test } from 'vitest';
import { judgeRequest } from '../src/judge-request.js';
import { limits } from '../src/limits.js';
import { claimed } from './support/claimed.js';

describe('judgeRequest', () => {
  test.each(['http://a.example/', 'https://a.example:8443/x?y=1', 'HTTP://127.0.0.1:3000'])('%s is made', (url) => {
    expect(judgeRequest(claimed({ url }))).toBeUndefined();
  });

  test.each([
    [{ url: 'file:///etc/passwd' }, 'unsupported protocol file'],
    [{ url: 'ftp://a.example/' }, 'unsupported protocol ftp'],
    [{ url: 'gopher://a.example/_GET' }, 'unsupported protocol gopher'],
    [{ url: 'http://' }, 'URL using bad/illegal format or missing URL'],
    [{ url: 'a.example/path' }, 'URL using bad/illegal format or missing URL'],
    [{ method: 'PATCH' }, 'unsupported request method PATCH'],
    [{ timeoutMilliseconds: 0 }, 'timeout_milliseconds must be between 1 and 300000, got 0'],
    [
      { timeoutMilliseconds: limits.timeoutMilliseconds + 1 },
      'timeout_milliseconds must be between 1 and 300000, got 300001',
    ],
    [{ url: null, size: 5_000_000 }, 'the request has 5000000 bytes; at most 4194304 are sent'],
  ])('%j is not: %s', (fields, reason) => {
    expect(judgeRequest(claimed(fields))).toBe(reason);
  });

  test('the third attempt is made, the fourth is not', () => {
    expect(judgeRequest(claimed({ attempts: 3 }))).toBeUndefined();
    expect(judgeRequest(claimed({ attempts: 4 }))).toContain('given up: a worker was lost 3 times');
  });
});
