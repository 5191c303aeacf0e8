import { describe, expect, test } from 'vitest';
import { firstCall, followRedirect } from '../src/call.js';

const url = new URL('http://a.example:8000/one?x=1');
const body = Buffer.from('{}');

describe('firstCall', () => {
  test("adds what pg_net adds, and the user's headers go before", () => {
    expect(Object.fromEntries(firstCall('GET', url, {}, undefined).headers)).toEqual({
      'user-agent': 'pg_net/holdfast',
      accept: '*/*',
    });
    expect(Object.fromEntries(firstCall('GET', url, { 'USER-Agent': 'mine', 'X-A': 'b' }, undefined).headers)).toEqual({
      'user-agent': 'mine',
      accept: '*/*',
      'x-a': 'b',
    });
  });

  test('keeps from the user what frames the message', () => {
    const headers = { 'Content-Length': '999', 'Transfer-Encoding': 'chunked', Connection: 'upgrade', upgrade: 'h2c' };
    expect([...firstCall('POST', url, headers, body).headers.keys()]).toEqual(['user-agent', 'accept']);
  });
});

describe('followRedirect', () => {
  const call = (method: string) =>
    firstCall(
      method,
      url,
      { Authorization: 'Bearer x', Cookie: 'c=1', apikey: 'k', 'Content-Type': 'application/json' },
      body,
    );

  test.each([200, 204, 300, 304, 400, 500])('%i is the last', (status) => {
    expect(followRedirect(call('GET'), status, '/two')).toBeUndefined();
  });

  test('one without a Location is the last', () => {
    expect(followRedirect(call('GET'), 302, undefined)).toBeUndefined();
  });

  test.each([
    ['POST', 301, 'GET'],
    ['POST', 302, 'GET'],
    ['POST', 303, 'GET'],
    ['POST', 307, 'POST'],
    ['POST', 308, 'POST'],
    ['DELETE', 302, 'DELETE'],
    ['DELETE', 308, 'DELETE'],
    ['GET', 301, 'GET'],
  ])('a %s by %i becomes a %s', (method, status, then) => {
    const next = followRedirect(call(method), status, 'two');
    expect(next?.method).toBe(then);
    expect(next?.url.href).toBe('http://a.example:8000/two');
    expect(next?.body === undefined).toBe(method === 'POST' && then === 'GET');
    expect(next?.headers.get('authorization')).toBe('Bearer x');
  });

  test.each(['http://b.example:8000/', 'https://a.example:8000/', 'http://a.example/', '//b.example/'])(
    'credentials are not handed on to %s',
    (location) => {
      const next = followRedirect(call('GET'), 307, location);
      expect([...(next?.headers.keys() ?? [])].sort()).toEqual(['accept', 'apikey', 'content-type', 'user-agent']);
    },
  );

  test('a Location that is no URL', () => {
    expect(() => followRedirect(call('GET'), 302, 'http://')).toThrow(TypeError);
  });
});
