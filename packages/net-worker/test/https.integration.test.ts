import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createThrowAwayFolder, type ThrowAwayFolder } from '@holdfast/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ByteBudget } from '../src/byte-budget.js';
import { limits } from '../src/limits.js';
import { perform } from '../src/perform.js';
import { refuseAddresses } from '../src/refused-addresses.js';
import { claimed } from './support/claimed.js';

let folder: ThrowAwayFolder;

beforeAll(async () => {
  folder = await createThrowAwayFolder();
  for (const name of ['trusted', 'unknown']) {
    const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const files = ['-keyout', join(folder.path, `${name}.key`), '-out', join(folder.path, `${name}.crt`)];
    const made = spawnSync(
      'openssl',
      [...args, ...files, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
      {
        encoding: 'utf8',
        timeout: 20_000,
      },
    );
    if (made.status !== 0) throw new Error(made.stderr);
  }
  process.env.SSL_CERT_FILE = join(folder.path, 'trusted.crt');
});
afterAll(async () => {
  delete process.env.SSL_CERT_FILE;
  await folder?.[Symbol.asyncDispose]();
});

async function ask(certificate: string, host: string) {
  const [key, cert] = await Promise.all(
    ['key', 'crt'].map((end) => readFile(join(folder.path, `${certificate}.${end}`))),
  );
  let received = 0;
  const server = createServer({ key, cert }, (_request, response) => {
    received += 1;
    response.end('over TLS');
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  try {
    const outcome = await perform(claimed({ url: `https://${host}:${(server.address() as AddressInfo).port}/` }), {
      refuses: refuseAddresses({ addresses: [], ports: [] }),
      budget: new ByteBudget(limits.largeAnswersBytes),
      signal: new AbortController().signal,
    });
    return { outcome, received };
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test('a certificate that the machine trusts', async () => {
  expect(await ask('trusted', 'localhost')).toMatchObject({
    outcome: { kind: 'answered', status: 200, body: Buffer.from('over TLS') },
    received: 1,
  });
});

test.each([
  ['nobody vouches for', 'unknown', 'localhost', /self-signed certificate/],
  ['is for another name', 'trusted', '127.0.0.1', /does not match certificate/],
])('one that %s is refused, and the request not sent', async (_what, certificate, host, message) => {
  expect(await ask(certificate, host)).toEqual({
    outcome: { kind: 'failed', timedOut: false, message: expect.stringMatching(message) },
    received: 0,
  });
});
