import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redactTemplate } from '@holdfast/spec';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findHostsArguments, findHostsScript, foundHosts } from '../../src/kubernetes/find-hosts.js';
import { planPods } from '../../src/kubernetes/render.js';
import { examples, kubernetesSpec } from './examples.js';

describe('the init container that finds Docker hosts', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-hosts-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const run = (...parts: readonly string[]) => {
    const program = join(folder, 'find-hosts');
    writeFileSync(program, findHostsScript.replaceAll(foundHosts, join(folder, 'found')), { mode: 0o755 });
    return spawnSync(program, parts, { encoding: 'utf8', timeout: 90_000 });
  };
  const found = () => readFileSync(join(folder, 'found'), 'utf8');

  it('is asked for each host once, with the port of Patroni there', () => {
    const spec = kubernetesSpec(`hosts: [{address: 10.0.0.1}, {address: 10.0.0.2, name: second.example.org}]
kubernetes: {members: docker, nodes: [10.9.0.1]}`);
    expect(findHostsArguments(spec)).toEqual([
      'HOLDFAST_HOST_1=10.0.0.1:8008',
      'HOLDFAST_HOST_2=second.example.org:8009',
    ]);
  });

  it('writes addresses of names and of addresses, and says whether Patroni answers', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const { status, stdout } = run(`HOLDFAST_HOST_1=localhost:${port}`, 'HOLDFAST_HOST_2=127.0.0.2:1');
    await new Promise((done) => server.close(done));
    expect(status).toBe(0);
    expect(found()).toBe('HOLDFAST_HOST_1=127.0.0.1\nHOLDFAST_HOST_2=127.0.0.2\n');
    expect(stdout).toContain(`localhost is 127.0.0.1; Patroni at port ${port} answers`);
    expect(stdout).toContain('127.0.0.2 is 127.0.0.2; Patroni at port 1 does not answer yet');
  });

  it.skipIf(spawnSync('haproxy', ['-v']).status !== 0)('is enough for HAProxy, which checks its configuration', () => {
    const unit = planPods(kubernetesSpec(examples.split ?? '')).find(({ id }) => id === 'haproxy');
    const paths = new Map(unit?.files.map(({ path }) => [path, join(folder, path.replace(/^.*\//, ''))]));
    for (const { path, content } of unit?.files ?? []) {
      let text = redactTemplate(content);
      for (const [from, to] of paths) text = text.replaceAll(from, to);
      writeFileSync(paths.get(path) ?? '', text);
    }
    const check = (env: NodeJS.ProcessEnv) =>
      spawnSync('haproxy', ['-c', '-f', join(folder, 'haproxy.cfg')], {
        cwd: folder,
        encoding: 'utf8',
        env: { PATH: process.env.PATH, HOLDFAST_STATS_PASSWORD: 'a', HOLDFAST_HAPROXY_ADMIN_PASSWORD: 'b', ...env },
      });
    expect(check({ HOLDFAST_HOST_1: '127.0.0.1' }).stderr).not.toMatch(/ALERT/);
    expect(check({ HOLDFAST_HOST_1: '127.0.0.1' }).status).toBe(0);
  });

  it('is a script that the shell understands', () => {
    execFileSync('bash', ['-n', '-c', findHostsScript]);
  });
});
