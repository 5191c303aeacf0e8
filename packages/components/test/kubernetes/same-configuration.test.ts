import { type ClusterSpec, redactTemplate } from '@holdfast/spec';
import { describe, expect, it } from 'vitest';
import { planCluster, type Unit } from '../../src/index.js';
import { kubernetesLayout } from '../../src/kubernetes/layout.js';
import { planPods } from '../../src/kubernetes/render.js';
import { exampleLayout } from '../example.js';
import { examples, kubernetesSpec } from './examples.js';

/** The same cluster as plain processes, each on a host of its own. */
function asProcesses(spec: ClusterSpec): ClusterSpec {
  const { everyHost: _, ...haproxy } = spec.haproxy;
  return {
    ...spec,
    runtime: 'process',
    members: spec.members.map((each, index) => ({
      ...each,
      host:
        spec.kubernetes.hosts[index % spec.kubernetes.hosts.length] === undefined
          ? `10.98.1.${index + 1}`
          : '10.98.1.1',
    })),
    etcd: {
      ...spec.etcd,
      members: spec.etcd.members.map((each, index) => ({ ...each, host: `10.98.2.${index + 1}` })),
    },
    haproxy: { ...haproxy, host: '10.98.3.1' },
    pooler: { ...spec.pooler, host: '10.98.3.1' },
    // Off loopback there is no inbox of mails, as in Kubernetes.
    ...(spec.api.enabled ? { listen: '10.98.3.1' } : {}),
    api: { ...spec.api, host: '10.98.3.1' },
  };
}

/** A text without its addresses and paths, and without the certificates, which are paths. */
function withoutPlace(text: string, stateDirectory: string): string {
  return text
    .replaceAll(stateDirectory, '<state>')
    .replace(/"(<state>\/units\/api|\/run\/holdfast-keys)\/keys\.json"/, '"<keys>"')
    .replaceAll('https://', 'http://')
    .replaceAll('protocol: https', 'protocol: http')
    .replace(/^ +(cacert|cert|key): \/run\/tls\/.*\n/gm, '')
    .replace(/^ {2}"etcdTls": \{[^}]*\},\n/gm, '')
    .replaceAll(/"\$\{HOLDFAST_HOST_\d+\}"|192\.168\.49\.1/g, '<address>')
    .replace(/0\.0\.0\.0(?=[:"\n]|$)|[a-z0-9.-]+\.svc\.cluster\.local|10\.98\.\d+\.\d+/g, '<address>');
}

const flags = (unit: Unit, stateDirectory: string) =>
  unit.argv
    .filter(
      (flag) => !/^--(peer-)?(cert-file|key-file|trusted-ca-file|client-cert-auth)=|^--listen-metrics-urls=/.test(flag),
    )
    .map((flag) => withoutPlace(flag, stateDirectory));

describe.each(Object.entries(examples))('what pods of %s run', (_, text) => {
  const spec = kubernetesSpec(text);
  const pods = planPods(spec);
  const layout = { ...exampleLayout(), tools: kubernetesLayout.tools };
  const isSplit = spec.kubernetes.members === 'docker';
  const processes = planCluster({ spec: asProcesses(spec), layout }).units.filter(
    ({ component }) => !isSplit || (component !== 'patroni' && component !== 'agent'),
  );

  it('is what processes run', () => expect(pods.map(({ id }) => id)).toEqual(processes.map(({ id }) => id)));

  it.each(pods.map((unit, index) => [unit.id, unit, processes[index]] as const))(
    '%s: the same to the byte but for addresses and paths',
    (_id, pod, process) => {
      if (process === undefined) throw new Error('no such process');
      const [here, there] = [kubernetesLayout.stateDirectory, layout.stateDirectory];
      expect(flags(pod, here)).toEqual(flags(process, there));
      expect(pod.env).toEqual(process.env);
      expect(pod.files.map(({ path }) => withoutPlace(path, here))).toEqual(
        process.files.map(({ path }) => withoutPlace(path, there)),
      );
      pod.files.forEach(({ content, mode, onChange }, index) => {
        const other = process.files[index];
        expect([mode, onChange]).toEqual([other?.mode, other?.onChange]);
        expect(withoutPlace(redactTemplate(content), here)).toBe(
          withoutPlace(redactTemplate(other?.content ?? ''), there),
        );
      });
    },
  );
});
