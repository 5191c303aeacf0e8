import { describe, expect, test } from 'vitest';
import { describeFailure, describeTimeout } from '../src/describe-failure.js';

const coded = (code: string, message: string) => Object.assign(new Error(message), { code });

test.each([
  [
    coded('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:9'),
    "Couldn't connect to server: connect ECONNREFUSED 127.0.0.1:9",
  ],
  [coded('ENOTFOUND', 'getaddrinfo ENOTFOUND x'), "Couldn't resolve host name: getaddrinfo ENOTFOUND x"],
  [new AggregateError([coded('ECONNREFUSED', 'a'), coded('ECONNREFUSED', 'b')]), "Couldn't connect to server: a"],
  [coded('ECONNRESET', 'socket hang up'), 'socket hang up'],
  [coded('ECONNREFUSED', ''), "Couldn't connect to server: ECONNREFUSED"],
  ['text', 'text'],
])('%s', (error, text) => {
  expect(describeFailure(error)).toBe(text);
});

describe('describeTimeout', () => {
  test.each([
    [
      { lookedUp: undefined, ready: undefined },
      'DNS time: 100.000 ms, TCP/SSL handshake time: 0.000 ms, HTTP Request/Response time: 0.000 ms',
    ],
    [
      { lookedUp: 30, ready: undefined },
      'DNS time: 20.000 ms, TCP/SSL handshake time: 80.000 ms, HTTP Request/Response time: 0.000 ms',
    ],
    [
      { lookedUp: 30, ready: 50 },
      'DNS time: 20.000 ms, TCP/SSL handshake time: 20.000 ms, HTTP Request/Response time: 60.000 ms',
    ],
    [
      { lookedUp: undefined, ready: 50 },
      'DNS time: 0.000 ms, TCP/SSL handshake time: 40.000 ms, HTTP Request/Response time: 60.000 ms',
    ],
  ])('%j', (times, phases) => {
    expect(describeTimeout(100, { since: 10, now: 110, ...times })).toBe(
      `Timeout of 100 ms reached. Total time: 100.000 ms (${phases})`,
    );
  });
});
