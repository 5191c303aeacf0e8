import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { secretNames } from '@holdfast/spec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEtcdClient, etcdClientUrl, type Layout, planCluster } from '../../src/index.js';
import { secretObjects, tlsFiles } from '../../src/kubernetes/layout.js';
import { renderMakeSecrets } from '../../src/kubernetes/make-secrets.js';
import { chartSecretKeys, chartSecrets } from '../../src/kubernetes/supabase-secrets.js';
import { exampleLayout, exampleSpec } from '../example.js';
import { freePorts, onFreePorts } from '../free-ports.js';
import { Disposables, startUnit, temporaryDirectory, waitReady, waitUntil } from '../run-unit.js';
import { kubernetesSpec } from './examples.js';
import { standInKubectl } from './stand-in-kubectl.js';

const hasOpenssl = ['/usr/bin', '/usr/local/bin'].some((folder) => existsSync(join(folder, 'openssl')));

describe.skipIf(!hasOpenssl)('make-secrets', () => {
  const stack = new Disposables();
  let directory = '';
  const secret = (name: string, key: string) => readFileSync(join(directory, 'secrets', name, key), 'utf8');
  const run = (...addresses: string[]) =>
    execFileSync('sh', ['-c', renderMakeSecrets(kubernetesSpec('')), 'make-secrets', ...addresses], {
      env: { ...process.env, PATH: `${join(directory, 'bin')}:${process.env.PATH}` },
      stdio: 'pipe',
    });

  beforeAll(async () => {
    directory = stack.use(await temporaryDirectory()).path;
    standInKubectl(directory);
    run('10.1.2.3', 'node.example.com');
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  it('makes each Secret that the manifests and the chart name, with each key', () => {
    const made = readdirSync(join(directory, 'secrets'));
    expect(made.sort()).toEqual([...Object.values(secretObjects), ...Object.values(chartSecrets)].sort());
    for (const name of secretNames) expect(secret(secretObjects.cluster, name)).toMatch(/^[A-Za-z][A-Za-z0-9_-]{47}$/);
    const values = secretNames.map((name) => secret(secretObjects.cluster, name));
    expect(new Set(values).size).toBe(values.length);
    for (const [name, keys] of Object.entries(chartSecretKeys)) {
      const folder = join(directory, 'secrets', chartSecrets[name as keyof typeof chartSecrets]);
      expect(readdirSync(folder)).toEqual(expect.arrayContaining([...keys]));
    }
    expect(secret(chartSecrets.realtime, 'dbEncKey')).toHaveLength(16);
    expect(secret(chartSecrets.db, 'password')).toBe(secret(secretObjects.cluster, 'authenticator'));
  });

  it('signs the keys of the API as JSON Web Tokens want it', () => {
    for (const [key, role] of [
      ['anonKey', 'anon'],
      ['serviceKey', 'service_role'],
    ] as const) {
      const [head = '', body = '', signature] = secret(chartSecrets.jwt, key).split('.');
      const expected = createHmac('sha256', secret(chartSecrets.jwt, 'secret'))
        .update(`${head}.${body}`)
        .digest('base64url');
      expect(signature).toBe(expected);
      expect(JSON.parse(Buffer.from(head, 'base64url').toString())).toEqual({ alg: 'HS256', typ: 'JWT' });
      expect(JSON.parse(Buffer.from(body, 'base64url').toString())).toMatchObject({ role, iss: 'supabase' });
    }
  });

  it('puts no value into a command line, and changes nothing that is there', () => {
    const before = readFileSync(join(directory, 'calls'), 'utf8');
    for (const name of readdirSync(join(directory, 'secrets'))) {
      for (const key of readdirSync(join(directory, 'secrets', name))) {
        const value = secret(name, key);
        if (value.length > 8) expect(before.includes(value), `${name}/${key}`).toBe(false);
      }
    }
    const password = secret(secretObjects.cluster, 'postgres');
    run();
    expect(secret(secretObjects.cluster, 'postgres')).toBe(password);
    const calls = readFileSync(join(directory, 'calls'), 'utf8').slice(before.length);
    expect(calls).not.toContain('create');
  });

  it('makes certificates for every name of etcd', () => {
    const { ca, certificate } = tlsFiles(join(directory, 'secrets', secretObjects.etcdServer));
    const names = execFileSync('openssl', ['x509', '-in', certificate, '-noout', '-ext', 'subjectAltName'], {
      encoding: 'utf8',
    });
    for (const name of ['etcd-2.etcd.holdfast.svc.cluster.local', 'node.example.com', '10.1.2.3', '127.0.0.1']) {
      expect(names).toContain(name);
    }
    execFileSync('openssl', ['verify', '-CAfile', ca, certificate], { stdio: 'pipe' });
  });

  describe.skipIf(!existsSync(exampleLayout().tools.etcd))('an etcd with these certificates', () => {
    const never = new AbortController().signal;
    const client = tlsFiles('');
    let url = '';

    beforeAll(async () => {
      execFileSync('chmod', ['-R', 'a+rX', directory]);
      const [healthPort = 0] = await freePorts(1);
      const files = (name: string) => tlsFiles(join(directory, 'secrets', name));
      Object.assign(client, files(secretObjects.etcdClient));
      const layout: Layout = {
        ...exampleLayout(join(directory, 'state')),
        etcdTls: { server: files(secretObjects.etcdServer), client, healthPort },
      };
      const spec = await onFreePorts(exampleSpec({ etcdMembers: 1 }));
      const [unit] = planCluster({ spec, layout }).units;
      const [member] = spec.etcd.members;
      if (unit === undefined || member === undefined) throw new Error('no etcd');
      url = etcdClientUrl(member, layout);
      await waitReady(unit, stack.use(startUnit(unit)));
    });

    it('serves and watches for a client that has one', async () => {
      const etcd = createEtcdClient({ url, tls: client });
      expect(url).toMatch(/^https:/);
      await etcd.put('/a', 'one', never);
      const { revision } = await etcd.snapshot('/', never);
      const stop = new AbortController();
      const seen: unknown[] = [];
      const watching = (async () => {
        for await (const { events } of etcd.watch('/', {
          fromRevision: String(Number(revision) + 1),
          signal: stop.signal,
        })) {
          seen.push(...events);
        }
      })();
      await etcd.put('/a', 'two', never);
      await waitUntil('the change is seen', async () => seen.length > 0);
      expect(seen).toMatchObject([{ key: '/a', value: 'two' }]);
      stop.abort(new Error('done'));
      await expect(watching).rejects.toThrow('done');
    });

    it.each([
      ['that has none', () => url],
      ['that speaks in the clear', () => url.replace('https:', 'http:')],
    ])('answers no client %s', async (_, at) => {
      await expect(createEtcdClient({ url: at() }).status(never)).rejects.toMatchObject({
        code: expect.stringMatching(/^HF_ETCD_/),
      });
    });

    it('says why when a file is missing', async () => {
      const etcd = createEtcdClient({ url, tls: { ...client, key: '/nowhere/tls.key' } });
      await expect(etcd.status(never)).rejects.toMatchObject({
        code: 'HF_ETCD_UNREACHABLE',
        detail: expect.stringContaining('/nowhere/tls.key'),
      });
    });
  });
});
