import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KubernetesObject, renderKubernetes, renderKubernetesObjects } from '../../src/index.js';
import { secretObjects } from '../../src/kubernetes/layout.js';
import { chartSecrets } from '../../src/kubernetes/supabase-secrets.js';
import { Disposables, temporaryDirectory } from '../run-unit.js';
import { builtImages, examples, kubernetesSpec } from './examples.js';

/** A real API server, by KUBECONFIG; this makes a namespace of its own there and removes it. */
const kubectl = (args: readonly string[], input?: string): string =>
  execFileSync('kubectl', [...args], {
    input: input ?? '',
    encoding: 'utf8',
    timeout: 60_000,
    stdio: ['pipe', 'pipe', 'pipe'],
  });

const reachable =
  process.env.KUBECONFIG !== undefined &&
  spawnSync('kubectl', ['version', '--request-timeout=5s'], { timeout: 15_000 }).status === 0;

/** Names of the form `batch/v1`, as far as the server has them. */
const served = (): ReadonlySet<string> => new Set(kubectl(['api-versions']).trim().split('\n'));

/**
 * As an older server takes it: a CronJob of batch/v1 has the fields of v1beta1, and one more that is not used here. What belongs to a program that is
 * not installed, such as the Prometheus operator, is left to schemas.test.ts.
 */
function forServer(objects: readonly KubernetesObject[], versions: ReadonlySet<string>): readonly KubernetesObject[] {
  return objects.flatMap((object) => {
    const older = object.kind === 'CronJob' ? 'batch/v1beta1' : undefined;
    const resource = `${object.apiVersion}`;
    if (object.kind === 'CronJob' && !hasCronJobs())
      return older === undefined ? [] : [{ ...object, apiVersion: older }];
    return versions.has(resource) ? [object] : [];
  });
}

let cronJobs: boolean | undefined;
function hasCronJobs(): boolean {
  cronJobs ??= kubectl(['get', '--raw', '/apis/batch/v1']).includes('"CronJob"');
  return cronJobs;
}

/** Server-side apply, which the server itself refuses for a field that it does not know, without keeping anything. */
function dryRun(objects: readonly object[]): ReturnType<typeof spawnSync> {
  return spawnSync('kubectl', ['apply', '--server-side', '--dry-run=server', '-f', '-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    encoding: 'utf8',
    timeout: 60_000,
  });
}

describe.skipIf(!reachable)('a real API server', () => {
  const namespace = `holdfast-test-${process.pid}`;
  const stack = new Disposables();
  const spec = (text: string) => {
    const plain = text
      .replace('namespace: shop-db', `namespace: ${namespace}\n  etcdNodePort: 31379`)
      .replace('namespace: split-db', `namespace: ${namespace}, etcdNodePort: 31379`);
    return kubernetesSpec(
      plain.includes('namespace:') ? plain : `${plain}\nkubernetes: {namespace: ${namespace}, etcdNodePort: 31379}`,
    );
  };
  let directory = '';

  beforeAll(async () => {
    kubectl(['create', 'namespace', namespace]);
    directory = stack.use(await temporaryDirectory()).path;
  });
  afterAll(async () => {
    kubectl(['delete', 'namespace', namespace, '--wait=false']);
    await stack[Symbol.asyncDispose]();
  });

  it.each(Object.entries(examples))('takes every object of %s, strictly', (_, text) => {
    const versions = served();
    const all = [...renderKubernetesObjects(spec(text), builtImages).values()].flat();
    const objects = forServer(all, versions);
    const left = all.length - objects.length;
    expect(left).toBe(all.filter(({ apiVersion }) => !versions.has(apiVersion)).length);
    const { status, stdout, stderr } = dryRun(objects);
    expect(String(stderr)).toBe('');
    expect(status).toBe(0);
    expect(String(stdout).trim().split('\n')).toHaveLength(objects.length);
  });

  it('would refuse a field that it does not know', () => {
    const objects = renderKubernetesObjects(spec(''), builtImages).get('etcd-cluster.yaml') ?? [];
    const set = objects.find(({ kind }) => kind === 'StatefulSet');
    const { status, stderr } = dryRun([{ ...set, spec: { ...(set?.spec as object), replicaz: 3 } }]);
    expect(status).not.toBe(0);
    expect(String(stderr)).toContain('replicaz');
  });

  it('finds every object in the kustomization', () => {
    const files = renderKubernetes(spec(''), builtImages);
    for (const { path, content, mode } of files) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), content, { mode });
    }
    const kinds = kubectl(['kustomize', join(directory, 'k8s')]).match(/^kind: /gm) ?? [];
    expect(kinds).toHaveLength([...renderKubernetesObjects(spec(''), builtImages).values()].flat().length);
  });

  it('is given the Secrets by make-secrets, which leaves them alone afterwards', () => {
    const program = join(directory, 'k8s/make-secrets');
    const versions = () =>
      kubectl([
        'get',
        'secrets',
        '--namespace',
        namespace,
        '--output',
        'go-template={{range .items}}{{.metadata.name}} {{.metadata.resourceVersion}}\n{{end}}',
      ])
        .trim()
        .split('\n')
        .filter((line) => !line.includes('-token-'));
    execFileSync(program, { stdio: 'pipe' });
    const made = versions();
    const names = [...Object.values(secretObjects), ...Object.values(chartSecrets)];
    expect(made.map((line) => line.split(' ')[0]).sort()).toEqual([...names].sort());
    execFileSync(program, ['10.1.2.3'], { stdio: 'pipe' });
    expect(versions()).toEqual(made);
  });
});
