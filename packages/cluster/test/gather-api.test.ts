import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { gatherApi } from '../src/doctor/gather-api.js';
import { testSpec as exampleSpec } from './fixtures.js';

let body = '';
const server = createServer((_, response) => response.end(body));
beforeEach(async () => await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const testSpec = exampleSpec();

async function answerTo(text: string) {
  body = text;
  const { port } = server.address() as AddressInfo;
  const spec = { ...testSpec, api: { ...testSpec.api, enabled: true, host: '127.0.0.1', port } };
  return await gatherApi({ spec, stateDirectory: '/nowhere' }, AbortSignal.timeout(10_000));
}

test('what is not the gateway is told from it', async () => {
  for (const text of ['', 'hello', '[]', 'null', '{"services":null}', '{"status":"ready"}'])
    expect(await answerTo(text)).toMatchObject({ answer: 'something else' });
  const facts = await answerTo('{"status":"ready","services":{"rest":"starting"}}');
  expect(facts).toMatchObject({ answer: { rest: 'starting' }, keys: { publishable: undefined, secret: undefined } });
  expect(Math.abs(facts?.clockSeconds ?? 99)).toBeLessThan(3);
});
