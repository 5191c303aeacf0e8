import { describe, expect, it } from 'vitest';
import { targetOf } from '../../src/request/target.js';
import { withSettings } from '../../src/respond/answer.js';

describe('targets', () => {
  it.each([
    ['GET', '/', { kind: 'root', isHead: false }],
    ['HEAD', '/items', { kind: 'read', table: 'items', isHead: true }],
    ['PATCH', '/a%20b', { kind: 'mutation', table: 'a b', method: 'PATCH' }],
    ['POST', '/rpc/f', { kind: 'call', routine: 'f', method: 'POST' }],
    ['GET', '/rpc', { kind: 'read', table: 'rpc', isHead: false }],
    ['OPTIONS', '/rpc/f', { kind: 'info', about: 'routine', name: 'f' }],
  ])('%s %s', (method, path, target) => {
    expect(targetOf(method, path)).toEqual(target);
  });

  it.each([
    ['GET', '/a/b', 'PGRST125'],
    ['GET', '/rpc/a/b', 'PGRST125'],
    ['GET', '/%zz', 'PGRST125'],
    ['DELETE', '/rpc/f', 'PGRST101'],
    ['DELETE', '/', 'PGRST117'],
  ])('%s %s is refused', (method, path, code) => {
    expect(() => targetOf(method, path)).toThrow(expect.objectContaining({ code }));
  });
});

describe('response settings', () => {
  const answer = { status: 200, headers: [['Content-Type', 'application/json']] as const, body: '' };

  it('replace status and headers', () => {
    const headers = '[{"content-type":"text/plain"},{"Set-Cookie":"a=1"},{"Set-Cookie":"b=2"}]';
    expect(withSettings(answer, { status: '418', headers })).toMatchObject({
      status: 418,
      headers: [
        ['content-type', 'text/plain'],
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
      ],
    });
  });

  it.each(['{}', '[{"a":1}]', '[{"a":"1","b":"2"}]', 'x', '[{"a b":"1"}]', '[{"a":"1\\r\\nb: 2"}]', '[null]'])(
    'headers %s are refused',
    (headers) => {
      expect(() => withSettings(answer, { status: undefined, headers })).toThrow(
        expect.objectContaining({ code: 'PGRST111', status: 500 }),
      );
    },
  );

  it.each(['x', '', '99', '1000'])('status %s is refused', (status) => {
    expect(() => withSettings(answer, { status, headers: undefined })).toThrow(
      expect.objectContaining({ code: 'PGRST112' }),
    );
  });
});
