import type { ClusterSpec, KubernetesPart, SecretName, SecretRef } from '@holdfast/spec';
import { containerConfiguration, containerSecrets, secretVariable } from '../container-layout.js';
import type { Unit } from '../unit.js';
import type { Configuration, RunningUnits } from './configuration.js';
import { secretObjects } from './layout.js';
import { objectLabels, type PodName, quantity, selectorLabels } from './objects.js';

type Fields = Readonly<Record<string, unknown>>;

export interface PodOptions {
  readonly part: PodName;
  readonly size: KubernetesPart;
  readonly image: string;
  /** Number of the account and its group. */
  readonly account: number;
  readonly running: readonly RunningUnits[];
  readonly configuration: Configuration;
  /** The unit that `start` takes: `etcd#`, `haproxy`. */
  readonly unit: string;
  /** Signal after which files that changed are in force; undefined: it takes over nothing while it runs. */
  readonly reload?: string;
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  readonly probes: Fields;
  readonly graceSeconds: number;
  readonly priority: 'database' | 'proxy';
  /** Whether `spread: required` keeps two of them off one node. */
  readonly keepsData: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Name of a Secret with certificates, and where it is mounted. */
  readonly certificates?: { readonly secret: string; readonly folder: string };
  /** Name of a Secret whose files the program reads while it runs, and where it is mounted. */
  readonly keys?: { readonly secret: string; readonly folder: string };
  /** Folders in memory, besides those that every pod has. */
  readonly memoryFolders?: readonly { readonly name: string; readonly path: string; readonly bytes: number }[];
  /** Volume `data` is mounted; the set's claim makes it. */
  readonly data?: boolean;
  readonly preStop?: string;
  /** Runs before the container, from the same image: a program of the configuration, and a folder for what it finds. */
  readonly first?: { readonly name: string; readonly arguments: readonly string[]; readonly folder: string };
}

const MiB = 2 ** 20;

/** The template of a part's pods: not root, nothing writable but what it needs, no capability, no word with the Kubernetes API. */
export function podTemplate(spec: ClusterSpec, options: PodOptions): Fields {
  const { part, account, configuration, graceSeconds } = options;
  return {
    metadata: {
      labels: objectLabels(spec, part),
      annotations: { 'holdfast.dev/restart-hash': configuration.restartHash },
    },
    spec: {
      serviceAccountName: part,
      ...podBasics(spec, account),
      priorityClassName: `${spec.kubernetes.namespace}-${options.priority}`,
      terminationGracePeriodSeconds: graceSeconds,
      affinity: antiAffinity(spec, part, options.keepsData),
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'topology.kubernetes.io/zone',
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: selectorLabels(spec, part) },
        },
      ],
      ...(options.first === undefined ? {} : { initContainers: [initContainer(spec, options, options.first)] }),
      containers: [container(spec, options)],
      volumes: volumes(options),
    },
  };
}

/** What every pod's spec has, jobs' included. */
export function podBasics({ kubernetes }: ClusterSpec, account: number): Fields {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: account,
      runAsGroup: account,
      fsGroup: account,
      // Else a large volume is walked through at each start.
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    // The names are whole: without this each one is first looked up with every suffix.
    dnsConfig: { options: [{ name: 'ndots', value: '1' }] },
    ...(kubernetes.images.pullSecrets.length === 0
      ? {}
      : { imagePullSecrets: kubernetes.images.pullSecrets.map((name) => ({ name })) }),
  };
}

export const containerSecurity: Fields = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

/** Memory is a limit as well; cores are not, so that a pod may use what nobody else does. */
export function resources({ kubernetes }: ClusterSpec, part: KubernetesPart): Fields {
  const { memoryBytes, cores } = kubernetes.resources[part];
  const memory = quantity(memoryBytes);
  return { requests: { cpu: `${Math.round(cores * 1000)}m`, memory }, limits: { memory } };
}

function container(spec: ClusterSpec, options: PodOptions): Fields {
  const { part, image, unit, reload, ports, probes, preStop, certificates, keys } = options;
  const env = Object.entries({ ...unitEnvironment(options.running), ...options.env });
  return {
    name: part,
    image,
    imagePullPolicy: spec.kubernetes.images.pull,
    command: [
      '/usr/bin/tini',
      '--',
      `${containerConfiguration}/start`,
      unit,
      ...(reload === undefined ? [] : [reload]),
    ],
    env: env.map(([name, value]) => ({ name, value })),
    ports: ports.map(({ name, port }) => ({ name, containerPort: port, protocol: 'TCP' })),
    resources: resources(spec, options.size),
    securityContext: containerSecurity,
    ...probes,
    ...(preStop === undefined ? {} : { lifecycle: { preStop: { exec: { command: ['/bin/sh', '-c', preStop] } } } }),
    volumeMounts: [
      { name: 'configuration', mountPath: containerConfiguration, readOnly: true },
      ...(secretsOf(options.running).length === 0
        ? []
        : [{ name: 'secrets', mountPath: containerSecrets, readOnly: true }]),
      ...(certificates === undefined ? [] : [{ name: 'certificates', mountPath: certificates.folder, readOnly: true }]),
      ...(keys === undefined ? [] : [{ name: 'keys', mountPath: keys.folder, readOnly: true }]),
      ...(options.data === true ? [{ name: 'data', mountPath: '/var/lib/holdfast/data' }] : []),
      ...memoryFolders(options).map(({ name, path }) => ({ name, mountPath: path })),
    ],
  };
}

function initContainer(spec: ClusterSpec, options: PodOptions, first: NonNullable<PodOptions['first']>): Fields {
  return {
    name: first.name,
    image: options.image,
    imagePullPolicy: spec.kubernetes.images.pull,
    command: [`${containerConfiguration}/${first.name}`, ...first.arguments],
    resources: resources(spec, options.size),
    securityContext: containerSecurity,
    volumeMounts: [
      { name: 'configuration', mountPath: containerConfiguration, readOnly: true },
      ...memoryFolders(options).map(({ name, path }) => ({ name, mountPath: path })),
    ],
  };
}

/** The units' own environment; a secret by the file that it is in, as the images' entrypoint takes it. */
function unitEnvironment(running: readonly RunningUnits[]): Readonly<Record<string, string>> {
  const [first] = running;
  const pairs = [first?.unit, first?.beside].flatMap((unit) => Object.entries(unit?.env ?? {}));
  return Object.fromEntries(
    pairs.map(([name, value]) => {
      if (typeof value !== 'string') return [secretVariable(name), `${containerSecrets}/${value.secret}`];
      // The images' own programs are there.
      return [name, name === 'PATH' ? `/usr/local/bin:${value}` : value];
    }),
  );
}

/** The secrets that these units are told, and no others. */
export function secretsOf(running: readonly RunningUnits[]): readonly SecretName[] {
  const units = running.flatMap(({ unit, beside }) => (beside === undefined ? [unit] : [unit, beside]));
  return [...new Set(units.flatMap(unitSecrets))].sort();
}

function unitSecrets({ env, files }: Unit): readonly SecretName[] {
  const isReference = (value: string | SecretRef): value is SecretRef => typeof value !== 'string';
  const templates = files.flatMap(({ content }) => (typeof content === 'string' ? [] : content));
  return [...Object.values(env), ...templates].filter(isReference).map(({ secret }) => secret);
}

function volumes(options: PodOptions): readonly Fields[] {
  const { configuration, certificates, keys } = options;
  const secrets = secretsOf(options.running);
  return [
    configuration.volume,
    ...(secrets.length === 0
      ? []
      : [
          {
            name: 'secrets',
            secret: {
              secretName: secretObjects.cluster,
              defaultMode: 0o440,
              items: secrets.map((name) => ({ key: name, path: name })),
            },
          },
        ]),
    ...(certificates === undefined
      ? []
      : [{ name: 'certificates', secret: { secretName: certificates.secret, defaultMode: 0o440 } }]),
    ...(keys === undefined ? [] : [{ name: 'keys', secret: { secretName: keys.secret, defaultMode: 0o440 } }]),
    ...memoryFolders(options).map(({ name, bytes }) => ({
      name,
      emptyDir: { medium: 'Memory', sizeLimit: quantity(bytes) },
    })),
  ];
}

function memoryFolders({ memoryFolders: more = [], first }: PodOptions): NonNullable<PodOptions['memoryFolders']> {
  return [
    { name: 'units', path: '/var/lib/holdfast/units', bytes: 16 * MiB },
    { name: 'run', path: '/run/holdfast', bytes: MiB },
    { name: 'tmp', path: '/tmp', bytes: 16 * MiB },
    ...(first === undefined ? [] : [{ name: 'found', path: first.folder, bytes: MiB }]),
    ...more,
  ];
}

function antiAffinity(spec: ClusterSpec, part: PodName, keepsData: boolean): Fields {
  const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: selectorLabels(spec, part) } };
  return {
    podAntiAffinity:
      keepsData && spec.kubernetes.spread === 'required'
        ? { requiredDuringSchedulingIgnoredDuringExecution: [term] }
        : { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }] },
  };
}

export interface HttpProbe {
  readonly path: string;
  readonly port: string;
}

/** A probe by GET; every `seconds`, given up after `failures`. */
export function httpProbe({ path, port }: HttpProbe, seconds: number, failures: number): Fields {
  return { httpGet: { path, port }, periodSeconds: seconds, timeoutSeconds: 3, failureThreshold: failures };
}

export function tcpProbe(port: string, seconds: number, failures: number): Fields {
  return { tcpSocket: { port }, periodSeconds: seconds, timeoutSeconds: 3, failureThreshold: failures };
}

/** A claim for each pod of a set. */
export function dataClaim({ kubernetes }: ClusterSpec, bytes: number): Fields {
  const { storageClass } = kubernetes;
  return {
    metadata: { name: 'data' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      ...(storageClass === undefined ? {} : { storageClassName: storageClass }),
      resources: { requests: { storage: quantity(bytes) } },
    },
  };
}

/** New clients go elsewhere first, then the program lets those that it has end. The numbers are seconds. */
export function drain(signal: 'USR1' | 'INT', seconds: number): string {
  return `sleep 5; kill -${signal} 1; sleep ${seconds}`;
}
