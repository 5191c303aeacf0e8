import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { renderKubernetes } from '../../src/index.js';
import { secretObjects } from '../../src/kubernetes/layout.js';
import { chartSecrets } from '../../src/kubernetes/supabase-secrets.js';
import { Disposables, temporaryDirectory } from '../run-unit.js';
import { builtImages, kubernetesSpec } from './examples.js';
import { type ChartFacts, sha256 } from './supabase-chart.js';

/** Folder of the real chart, 0.7; and helm in PATH. */
const chart = process.env.HOLDFAST_SUPABASE_CHART ?? '';
const usable =
  existsSync(join(chart, 'Chart.yaml')) && spawnSync('helm', ['version'], { timeout: 15_000 }).status === 0;
const facts = JSON.parse(readFileSync(new URL('supabase-chart-0.7.2.json', import.meta.url), 'utf8')) as ChartFacts;

// biome-ignore lint/suspicious/noExplicitAny: plain data of many shapes, looked into
type Data = any;

describe.skipIf(!usable)("the community chart with Holdfast's values", () => {
  const stack = new Disposables();
  let objects: readonly Data[] = [];
  let text = '';

  beforeAll(async () => {
    const directory = stack.use(await temporaryDirectory()).path;
    const values = join(directory, 'values-patroni.yaml');
    const file = renderKubernetes(kubernetesSpec(''), builtImages).find(({ path }) =>
      path.endsWith('values-patroni.yaml'),
    );
    writeFileSync(values, file?.content ?? '');
    text = execFileSync('helm', ['template', 'supabase', chart, '--namespace', 'holdfast', '--values', values], {
      encoding: 'utf8',
      timeout: 60_000,
      maxBuffer: 2 ** 26,
    });
    objects = parseAllDocuments(text, { uniqueKeys: false })
      .map((document) => document.toJS() as Data)
      .filter((object) => object !== null);
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  /** As the kubelet fills variables in: from those before, and the last one of a name is the one that counts. */
  function environment(container: Data): ReadonlyMap<string, string> {
    const known = new Map<string, string>();
    for (const { name, value, valueFrom } of container.env ?? []) {
      const reference = valueFrom?.secretKeyRef;
      const given = reference === undefined ? String(value ?? '') : `<${reference.name}/${reference.key}>`;
      known.set(
        name,
        given.replace(/\$\((\w+)\)/g, (all, other: string) => known.get(other) ?? all),
      );
    }
    return known;
  }

  const containers = () =>
    objects.flatMap((object) => {
      const pod = object.spec?.template?.spec;
      return pod === undefined ? [] : [...pod.containers, ...(pod.initContainers ?? [])];
    });

  it('has no database of its own', () => {
    expect(containers().length).toBeGreaterThan(0);
    expect(objects.filter(({ kind, metadata }) => kind === 'StatefulSet' || /-db$/.test(metadata.name))).toEqual([]);
    expect(text).not.toContain('supabase-supabase-db');
  });

  it('makes no Secret, and shows no default secret', () => {
    const made = objects.filter(({ kind }) => kind === 'Secret').map(({ metadata }) => metadata.name);
    expect(made.filter((name: string) => !name.includes('bigquery') && !name.includes('apikey'))).toEqual([]);
    const known = new Set(Object.values(facts.secrets));
    for (const container of containers()) {
      for (const [name, value] of environment(container)) expect(known.has(sha256(value)), name).toBe(false);
    }
  });

  it('comes to the database by HAProxy, each service with the password of its role', () => {
    const host = 'postgres-master.holdfast.svc.cluster.local';
    const passwords: Readonly<Record<string, string>> = {
      supabase_auth_admin: 'supabase-auth-admin',
      authenticator: 'authenticator',
      supabase_storage_admin: 'supabase-storage-admin',
      supabase_functions_admin: 'supabase-functions-admin',
      supabase_admin: 'supabase-admin',
    };
    for (const container of containers()) {
      const all = environment(container);
      for (const name of ['DB_HOST', 'DB_HOSTNAME', 'POSTGRES_HOST', 'PG_META_DB_HOST']) {
        expect([undefined, host], `${container.name} ${name}`).toContain(all.get(name));
      }
      // What the chart composes of its own variables is replaced; the variables themselves stay, and nothing reads them.
      for (const name of ['GOTRUE_DB_DATABASE_URL', 'PGRST_DB_URI', 'DATABASE_URL', 'SUPABASE_DB_URL']) {
        const url = all.get(name);
        if (url === undefined) continue;
        const [, role = '', password] = /^postgres:\/\/(\w+):<([^>]+)>@postgres-master\./.exec(url) ?? [];
        expect(password, `${container.name} ${name}=${url}`).toBe(`${secretObjects.cluster}/${passwords[role]}`);
      }
      const meta = all.get('PG_META_DB_PASSWORD');
      if (meta !== undefined)
        expect(meta).toBe(`<${secretObjects.cluster}/${passwords[all.get('PG_META_DB_USER') ?? '']}>`);
    }
  });

  it('names only Secrets that make-secrets makes', () => {
    const names = [secretObjects.cluster, ...Object.values(chartSecrets)] as readonly string[];
    for (const container of containers()) {
      for (const { valueFrom } of container.env ?? []) {
        const name = valueFrom?.secretKeyRef?.name;
        if (name !== undefined) expect(names).toContain(name);
      }
    }
  });
});
