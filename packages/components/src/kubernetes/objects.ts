import type { ClusterSpec } from '@holdfast/spec';
import type { JsonObject } from '../plan.js';

/** Something for the Kubernetes API, as plain data. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    /** Undefined: it belongs to no namespace. */
    readonly namespace?: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** What pods and their objects are called: `app.kubernetes.io/name`. */
export type PodName = 'etcd' | 'etcd-defragmentation' | 'postgres' | 'haproxy' | 'pgbouncer' | 'net' | 'api';

/** What a service, a budget or a policy finds pods by. */
export function selectorLabels(spec: ClusterSpec, name: PodName): Readonly<Record<string, string>> {
  return { 'app.kubernetes.io/name': name, 'app.kubernetes.io/instance': spec.name };
}

/** Every pod of the cluster and no other. */
export function clusterLabels(spec: ClusterSpec): Readonly<Record<string, string>> {
  return { 'app.kubernetes.io/part-of': 'holdfast', 'app.kubernetes.io/instance': spec.name };
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */
export function objectLabels(spec: ClusterSpec, name: string): Readonly<Record<string, string>> {
  return { 'app.kubernetes.io/name': name, ...clusterLabels(spec), 'app.kubernetes.io/managed-by': 'holdfast' };
}

export interface ObjectOptions {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** Of the part that it belongs to; default: the object's own name. */
  readonly part?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly body: JsonObject | Readonly<Record<string, unknown>>;
}

/** An object in the cluster's namespace. */
export function namespaced(spec: ClusterSpec, options: ObjectOptions): KubernetesObject {
  const { metadata, ...object } = clusterWide(spec, options);
  const { name, ...rest } = metadata;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: { name, namespace: spec.kubernetes.namespace, ...rest },
    ...options.body,
  };
}

/** An object that belongs to no namespace. */
export function clusterWide(
  spec: ClusterSpec,
  { apiVersion, kind, name, part = name, annotations, body }: ObjectOptions,
): KubernetesObject {
  const labels = objectLabels(spec, part);
  return {
    apiVersion,
    kind,
    metadata: { name, labels, ...(annotations === undefined ? {} : { annotations }) },
    ...body,
  };
}

export interface ServicePort {
  readonly name: string;
  readonly port: number;
  /** Port of the pod; default: the same. */
  readonly targetPort?: number;
  readonly nodePort?: number;
}

export interface ServiceOptions {
  readonly name: string;
  readonly part: PodName;
  readonly ports: readonly ServicePort[];
  /** Default: all pods of the part. */
  readonly selector?: Readonly<Record<string, string>>;
  /** `headless`: a name for the pods' own addresses. */
  readonly type?: 'ClusterIP' | 'NodePort' | 'headless';
  /** Also pods that are not ready. */
  readonly evenUnready?: boolean;
}

export function service(spec: ClusterSpec, options: ServiceOptions): KubernetesObject {
  const { name, part, ports, selector = selectorLabels(spec, part), type = 'ClusterIP', evenUnready } = options;
  const object = namespaced(spec, {
    apiVersion: 'v1',
    kind: 'Service',
    name,
    part,
    body: {
      spec: {
        ...(type === 'headless' ? { clusterIP: 'None' } : { type }),
        ...(evenUnready === true ? { publishNotReadyAddresses: true } : {}),
        selector,
        ports: ports.map(({ name: portName, port, targetPort = port, nodePort }) => ({
          name: portName,
          // Server-side apply keys ports by it and takes no default for a key before Kubernetes 1.21.
          protocol: 'TCP',
          port,
          targetPort,
          ...(nodePort === undefined ? {} : { nodePort }),
        })),
      },
    },
  });
  if (type !== 'headless') return object;
  return { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, ...everyPod } } };
}

/** On the one service of a part that has each of its pods behind it once. */
export const everyPod = { 'holdfast.dev/every-pod': 'true' } as const;

/** Never more than one pod of a part is taken away on purpose. */
export function disruptionBudget(spec: ClusterSpec, part: PodName): KubernetesObject {
  return namespaced(spec, {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    name: part,
    body: { spec: { maxUnavailable: 1, selector: { matchLabels: selectorLabels(spec, part) } } },
  });
}

const KiB = 1024;

/** As Kubernetes writes sizes: the largest unit without a fraction. */
export function quantity(bytes: number): string {
  for (const [unit, power] of [
    ['Gi', 3],
    ['Mi', 2],
    ['Ki', 1],
  ] as const) {
    if (bytes % KiB ** power === 0) return `${bytes / KiB ** power}${unit}`;
  }
  return String(bytes);
}
