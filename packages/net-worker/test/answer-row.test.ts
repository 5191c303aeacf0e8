import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answerRow } from '../src/answer-row.js';
import { failed } from '../src/claimed-request.js';

const claim = { id: '7', token: 't' };
const answered = (body: Buffer, ...rawHeaders: readonly string[]) =>
  answerRow(claim, { kind: 'answered', status: 200, rawHeaders, body });

describe('answerRow', () => {
  test('an answer, headers as they came, of several the last', () => {
    expect(
      answered(Buffer.from('{"a":"ü"}'), 'Content-Type', 'application/json', 'Set-Cookie', 'a', 'Set-Cookie', 'b'),
    ).toEqual({
      ...claim,
      status_code: 200,
      content_type: 'application/json',
      headers: { 'Content-Type': 'application/json', 'Set-Cookie': 'b' },
      content: '{"a":"ü"}',
      timed_out: false,
      error_msg: null,
    });
  });

  test('no body is no content', () => {
    expect(answered(Buffer.alloc(0)).content).toBeNull();
  });

  test.each([
    ['text/plain; charset=iso-8859-1', [0xfc], 'ü'],
    ['text/plain; charset="UTF-8"', [0xc3, 0xbc], 'ü'],
    ['text/plain; charset=no-such-thing', [0xc3, 0xbc], 'ü'],
    ['application/octet-stream', [0x61, 0xff, 0x62], 'a\uFFFDb'],
    ['application/octet-stream', [0x61, 0, 0x62], 'a\uFFFDb'],
  ])('%s %j is %j', (type, bytes, content) => {
    expect(answered(Buffer.from(bytes), 'content-type', type).content).toBe(content);
  });

  test('whatever comes can be stored', () => {
    void fc.assert(
      fc.property(fc.uint8Array(), fc.string({ unit: 'binary' }), (bytes, text) => {
        const row = JSON.stringify([answered(Buffer.from(bytes), 'x', text), answerRow(claim, failed(text))]);
        expect(row).not.toMatch(/\\u0000|\\ud[89a-f]/i);
      }),
    );
  });

  test('a failure', () => {
    expect(answerRow(claim, { kind: 'failed', timedOut: true, message: 'm'.repeat(3000) })).toEqual({
      ...claim,
      status_code: null,
      content_type: null,
      headers: null,
      content: null,
      timed_out: true,
      error_msg: 'm'.repeat(2000),
    });
  });
});
