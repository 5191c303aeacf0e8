import type { KubernetesObject } from '@holdfast/components';
import { namespaceForeign, serverTooOld, storageClassMissing } from './errors.js';
import { type Kubectl, orderMilliseconds } from './kubectl.js';

/** Who changed a field, in server-side apply. */
export const fieldManager = 'holdfast';
/** Which state folder brought a namespace up. */
export const ownerAnnotation = 'holdfast.dev/owner';

/** What `up` keeps in a namespace and takes away when the spec has it no more. Volumes' claims and Secrets are never among it. */
const prunedKinds = [
  'configmaps',
  'cronjobs.batch',
  'deployments.apps',
  'horizontalpodautoscalers.autoscaling',
  'ingresses.networking.k8s.io',
  'networkpolicies.networking.k8s.io',
  'poddisruptionbudgets.policy',
  'roles.rbac.authorization.k8s.io',
  'serviceaccounts',
  'services',
  'statefulsets.apps',
] as const;
const monitoringKinds = ['prometheusrules.monitoring.coreos.com', 'servicemonitors.monitoring.coreos.com'] as const;
/** What somebody else would have in a namespace that is in use. */
const telling = 'pods,services,deployments.apps,statefulsets.apps';

interface Listed {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
}

/** One Kubernetes cluster's namespace, and what a cluster of ours has in it. */
export interface Place {
  readonly kubectl: Kubectl;
  readonly namespace: string;
  /** The cluster's name. */
  readonly cluster: string;
}

export function selector({ cluster }: Place): string {
  return `app.kubernetes.io/part-of=holdfast,app.kubernetes.io/instance=${cluster},app.kubernetes.io/managed-by=holdfast`;
}

/** Objects as this server has them. Throws HF_KUBERNETES_TOO_OLD for what it does not have at all. */
export async function forServer(
  { kubectl }: Place,
  objects: readonly KubernetesObject[],
  signal: AbortSignal,
): Promise<readonly KubernetesObject[]> {
  const served = new Set((await kubectl.run(['api-versions'], { signal })).trim().split('\n'));
  const known = objects.map((each) => asServed(each, served));
  const missing = [...new Set(known.map(({ apiVersion }) => apiVersion))].filter((version) => !served.has(version));
  if (missing.length > 0) throw serverTooOld(await serverVersion(kubectl, signal), missing);
  const batch = await kubectl.run(['get', '--raw', '/apis/batch/v1'], { signal });
  if (batch.includes('"CronJob"')) return known;
  if (!served.has('batch/v1beta1')) throw serverTooOld(await serverVersion(kubectl, signal), ['CronJob in batch/v1']);
  // Before 1.21; its fields are the same.
  return known.map((each) => (each.kind === 'CronJob' ? { ...each, apiVersion: 'batch/v1beta1' } : each));
}

/** Before 1.23; of what is used here the fields are the same. */
function asServed(object: KubernetesObject, served: ReadonlySet<string>): KubernetesObject {
  const isOld = object.apiVersion === 'autoscaling/v2' && !served.has('autoscaling/v2');
  return isOld && served.has('autoscaling/v2beta2') ? { ...object, apiVersion: 'autoscaling/v2beta2' } : object;
}

async function serverVersion(kubectl: Kubectl, signal: AbortSignal): Promise<string> {
  const text = await kubectl.run(['get', '--raw', '/version'], { signal });
  return (JSON.parse(text) as { gitVersion?: string }).gitVersion ?? 'unknown';
}

/** Throws HF_KUBERNETES_STORAGE_CLASS when claims would wait for ever. Who may not look is not stopped by that. */
export async function checkStorageClass(
  { kubectl }: Place,
  wanted: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  let classes: readonly Listed[];
  try {
    const list = await kubectl.get<{ items: readonly Listed[] }>(['storageclasses'], { signal });
    classes = list?.items ?? [];
  } catch {
    signal.throwIfAborted();
    return;
  }
  const names = classes.map(({ metadata }) => metadata.name);
  const isDefault = ({ metadata }: Listed) =>
    metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true';
  if (wanted === undefined ? !classes.some(isDefault) : !names.includes(wanted))
    throw storageClassMissing(wanted, names);
}

/** Throws HF_KUBERNETES_FOREIGN when somebody else uses the namespace, or another state folder this cluster in it. */
export async function checkNamespace(place: Place, owner: string | undefined, signal: AbortSignal): Promise<void> {
  const { kubectl, namespace, cluster } = place;
  const found = await kubectl.get<Listed>(['namespace', namespace], { signal });
  if (found === undefined) return;
  const present = found.metadata.annotations?.[ownerAnnotation];
  if (present !== undefined && present !== owner)
    throw namespaceForeign(namespace, [
      `another state folder brought up the cluster in it (${ownerAnnotation}: ${present})`,
    ]);
  const { items } = (await kubectl.get<{ items: readonly Listed[] }>([telling, '--namespace', namespace], {
    signal,
  })) ?? {
    items: [],
  };
  const strange = items.filter(({ metadata: { labels } }) => {
    const isOurs = labels?.['app.kubernetes.io/part-of'] === 'holdfast';
    return isOurs ? labels?.['app.kubernetes.io/instance'] !== cluster : true;
  });
  // Supabase's chart comes into the cluster's namespace, beside a cluster that is ours.
  if (present === undefined && strange.length > 0)
    throw namespaceForeign(
      namespace,
      strange.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    );
}

/** Server-side apply; the server itself refuses fields that it does not know. */
export async function applyObjects({ kubectl }: Place, objects: readonly object[], signal: AbortSignal): Promise<void> {
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  await kubectl.run(
    ['apply', '--server-side', `--field-manager=${fieldManager}`, '--force-conflicts', '--filename', '-'],
    { signal, timeoutMilliseconds: orderMilliseconds, input: list },
  );
}

/** Deletes what bears the cluster's labels and is not among `kept`. Answers what went, for people. */
export async function prune(
  place: Place,
  kept: readonly KubernetesObject[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { kubectl, namespace } = place;
  const served = (await kubectl.run(['api-versions'], { signal })).includes('monitoring.coreos.com/v1');
  const kinds = [...prunedKinds, ...(served ? monitoringKinds : [])].join(',');
  const args = [kinds, '--namespace', namespace, '--selector', selector(place)];
  const { items } = (await kubectl.get<{ items: readonly Listed[] }>(args, { signal })) ?? { items: [] };
  const names = new Set(kept.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
  const gone = items.filter(({ kind, metadata }) => !names.has(`${kind} ${metadata.name}`));
  if (gone.length > 0) {
    const targets = gone.map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`);
    const order = ['delete', '--namespace', namespace, '--ignore-not-found', '--wait=false', ...targets];
    await kubectl.run(order, { signal, timeoutMilliseconds: orderMilliseconds });
  }
  return gone.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
}
