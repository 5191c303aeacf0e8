import { existsSync, readFileSync } from 'node:fs';
import { secretNames } from '@holdfast/spec';
import { describe, expect, it } from 'vitest';
import { secretObjects } from '../../src/kubernetes/layout.js';
import { chartSecrets } from '../../src/kubernetes/supabase-secrets.js';
import { renderSupabaseValues } from '../../src/kubernetes/supabase-values.js';
import { examples, kubernetesSpec } from './examples.js';
import { type ChartFacts, chartFacts, settings, sha256 } from './supabase-chart.js';

const factsFile = new URL('supabase-chart-0.7.2.json', import.meta.url);
const facts = JSON.parse(readFileSync(factsFile, 'utf8')) as ChartFacts;

// biome-ignore lint/suspicious/noExplicitAny: plain data of many shapes, looked into
const values = (text: string): any => renderSupabaseValues(kubernetesSpec(text));

describe.each(Object.entries(examples).filter(([, text]) => !text.includes('supabase: {enabled: false}')))(
  'values for the community chart: %s',
  (_, text) => {
    const rendered = values(text);

    it('set only what the chart has', () => {
      // What is a list or a group of a person's own words to the chart has no settings below it.
      const open = ['ingress.annotations'];
      const unknown = settings(rendered)
        .map(([path]) => path)
        .filter((path) => !facts.keys.includes(path) && !open.some((group) => path.startsWith(`${group}.`)));
      expect(unknown).toEqual([]);
    });

    it('leave no default secret', () => {
      const own = new Map(settings(rendered));
      expect(Object.keys(facts.secrets).length).toBeGreaterThan(10);
      for (const [path, hash] of Object.entries(facts.secrets)) {
        expect(own.has(path), path).toBe(true);
        expect(sha256(String(own.get(path))), path).not.toBe(hash);
      }
      const known = new Set(Object.values(facts.secrets));
      for (const [path, value] of own) expect(known.has(sha256(String(value))), path).toBe(false);
    });

    it('take every secret from a Secret, and hold none', () => {
      for (const path of Object.keys(facts.secrets)) {
        const [, name = ''] = path.split('.');
        expect(Object.values(chartSecrets)).toContain(rendered.secret[name].secretRef);
      }
      for (const [path, value] of settings(rendered.secret)) {
        if (/password|key|token|secret$/i.test(path) && !path.includes('secretRef')) expect(value, path).toBe('');
      }
    });

    it('switch the database off and lead every service to HAProxy, with a role and a password of its own', () => {
      const { namespace } = kubernetesSpec(text).kubernetes;
      const host = `postgres-master.${namespace}.svc.cluster.local`;
      expect(rendered.deployment.db.enabled).toBe(false);
      expect(rendered.secret.db).toMatchObject({ host, port: '5432' });
      const variables = (service: string) =>
        new Map<string, { value?: unknown; valueFrom?: { secretKeyRef: { name: string; key: string } } }>(
          rendered.environment[service].map((each: { name: string }) => [each.name, each]),
        );
      for (const [service, url, role, secret] of [
        ['auth', 'GOTRUE_DB_DATABASE_URL', 'supabase_auth_admin', 'supabase-auth-admin'],
        ['rest', 'PGRST_DB_URI', 'authenticator', 'authenticator'],
        ['storage', 'DATABASE_URL', 'supabase_storage_admin', 'supabase-storage-admin'],
        ['functions', 'SUPABASE_DB_URL', 'supabase_functions_admin', 'supabase-functions-admin'],
      ] as const) {
        const all = variables(service);
        expect(all.get(url)?.value).toMatch(
          new RegExp(`^postgres://${role}:\\$\\(HOLDFAST_DB_PASSWORD\\)@${host}:5432/`),
        );
        expect(all.get('HOLDFAST_DB_PASSWORD')?.valueFrom?.secretKeyRef).toEqual({
          name: secretObjects.cluster,
          key: secret,
        });
        // Kubernetes fills a variable in only behind its own definition.
        expect([...all.keys()].indexOf('HOLDFAST_DB_PASSWORD')).toBeLessThan([...all.keys()].indexOf(url));
      }
      for (const [service, variable] of [
        ['realtime', 'DB_PASSWORD'],
        ['meta', 'PG_META_DB_PASSWORD'],
        ['studio', 'POSTGRES_PASSWORD'],
      ] as const) {
        expect(variables(service).get(variable)?.valueFrom?.secretKeyRef.key).toBe('supabase-admin');
      }
    });

    it('name only secrets of the cluster, and no variable twice', () => {
      for (const list of Object.values<{ name: string; valueFrom?: { secretKeyRef: { key: string } } }[]>(
        rendered.environment,
      )) {
        expect(new Set(list.map(({ name }) => name)).size).toBe(list.length);
        for (const { valueFrom } of list)
          if (valueFrom !== undefined) expect(secretNames).toContain(valueFrom.secretKeyRef.key);
      }
    });
  },
);

it('have an Ingress with a certificate where the spec names a host, else none', () => {
  expect(values('').ingress).toEqual({ enabled: false });
  expect(values(examples.everything ?? '').ingress).toMatchObject({
    enabled: true,
    className: 'nginx',
    tls: [{ secretName: 'holdfast-tls', hosts: ['api.example.com'] }],
    hosts: [{ host: 'api.example.com' }],
  });
});

/** The chart's own values.yaml, 0.7.2. */
const valuesFile = process.env.HOLDFAST_SUPABASE_VALUES ?? '';

it.skipIf(!existsSync(valuesFile))('what is kept of the chart is what its values.yaml says', () => {
  expect(chartFacts(readFileSync(valuesFile, 'utf8'), facts)).toEqual(facts);
});
