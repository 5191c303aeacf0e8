import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeCertificate } from '../../src/docker/write-folder.js';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'holdfast-certificate-'));
  mkdirSync(join(root, 'kept'));
  for (const name of ['ca.crt', 'tls.crt', 'tls.key']) writeFileSync(join(root, 'kept', name), name, { mode: 0o600 });
  mkdirSync(join(root, 'docker', '192.0.2.1'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

it("etcd's client certificate lies beside what the containers of a host are made of, as fetch-secrets leaves it", () => {
  const folder = join(root, 'docker', '192.0.2.1');
  writeCertificate(folder, join(root, 'kept'));
  const place = join(folder, 'etcd-client');
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
  expect(readdirSync(place).sort()).toEqual(['ca.crt', 'tls.crt', 'tls.key']);
  expect([mode(folder), mode(place), mode(join(place, 'tls.key'))]).toEqual(['700', '755', '444']);
  writeFileSync(join(root, 'kept', 'tls.crt'), 'another');
  writeCertificate(folder, join(root, 'kept'));
  expect(readFileSync(join(place, 'tls.crt'), 'utf8')).toBe('another');
});
