import { ExitCode, HoldfastError } from '@holdfast/spec/errors';

export function kubectlMissing(cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_KUBERNETES_NO_KUBECTL',
    message: 'The command kubectl is not there.',
    suggestion: 'Install kubectl (version 1.22 or later), and see that it is in PATH.',
    exitCode: ExitCode.environment,
    cause,
  });
}

export function clusterUnreachable(output: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_KUBERNETES_UNREACHABLE',
    message: 'No Kubernetes cluster answers.',
    detail: lastLines(output),
    suggestion: 'Set KUBECONFIG, or choose the context (kubectl config use-context); `kubectl version` must answer.',
    exitCode: ExitCode.environment,
  });
}

export function clusterDenied(output: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_KUBERNETES_DENIED',
    message: 'The Kubernetes cluster does not let this account do that.',
    detail: lastLines(output),
    suggestion:
      'Ask for these rights; the role holdfast-operator, and who may make namespaces and priority classes, has them.',
    exitCode: ExitCode.environment,
  });
}

export function serverTooOld(version: string, missing: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'HF_KUBERNETES_TOO_OLD',
    message: `The Kubernetes API server (${version}) does not have ${missing.join(', ')}.`,
    suggestion: missing.some((each) => each.startsWith('monitoring.coreos.com'))
      ? 'Install the Prometheus operator, or set `kubernetes.monitoring.enabled: false`.'
      : 'Kubernetes 1.25 or later is needed.',
    exitCode: ExitCode.environment,
  });
}

export function storageClassMissing(wanted: string | undefined, known: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'HF_KUBERNETES_STORAGE_CLASS',
    message:
      wanted === undefined
        ? 'The Kubernetes cluster has no default storage class.'
        : `The Kubernetes cluster has no storage class ${wanted}.`,
    suggestion: `Set \`kubernetes.storageClass\` to one that it has${known.length === 0 ? '; it has none' : `: ${known.join(', ')}`}.`,
    exitCode: ExitCode.environment,
  });
}

export function namespaceForeign(namespace: string, found: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'HF_KUBERNETES_FOREIGN',
    message: `The namespace ${namespace} belongs to something else.`,
    detail: found.slice(0, 10).join('\n'),
    suggestion: 'Set `kubernetes.namespace` to another one, which need not exist.',
    exitCode: ExitCode.state,
  });
}

export function secretsDiffer(namespace: string, secret: string, names: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'HF_KUBERNETES_SECRETS',
    message: `The Secret ${secret} in the namespace ${namespace} has other values than this cluster's state folder: ${names.join(', ')}.`,
    suggestion:
      'A database there may have been made with them: write them into secrets.json of the state folder; or delete the Secret, if nothing was made with it.',
    exitCode: ExitCode.state,
  });
}

export function makeSecretsFailed(output: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_KUBERNETES_MAKE_SECRETS',
    message: "Making etcd's certificates and the other Secrets failed.",
    detail: lastLines(output),
    suggestion: 'It needs sh, openssl and kubectl. Mend what it says, then run the same command again.',
    exitCode: ExitCode.environment,
  });
}

const stuck = 'HF_KUBERNETES_PODS_STUCK';

export function isPodsStuck(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === stuck;
}

export function podsStuck(lines: readonly string[], suggestion: string): HoldfastError {
  return new HoldfastError({
    code: stuck,
    message: 'Pods cannot start.',
    detail: lines.join('\n'),
    suggestion,
    exitCode: ExitCode.environment,
  });
}

export function podsDoNotEnd(names: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: stuck,
    message: `Pods do not end: ${names.join(', ')}.`,
    suggestion:
      'See whether their node is there (`kubectl get nodes`); then run the same command again: it goes on where this one stopped.',
    exitCode: ExitCode.environment,
  });
}

export function kubectlFailed(command: string, output: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_KUBERNETES_FAILED',
    message: `${command} failed.`,
    detail: lastLines(output),
    suggestion: 'Mend what it says, then run the same command again: it goes on where this one stopped.',
    exitCode: ExitCode.failure,
  });
}

export function keptByKubernetes(unit: string, order: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_KUBERNETES_KEPT',
    message: `${unit} cannot be told to ${order}: Kubernetes keeps its pods running.`,
    suggestion: 'Restart it instead, or take everything down: `holdfast down`.',
    exitCode: ExitCode.usage,
  });
}

function lastLines(output: string): string {
  return output.trim().split('\n').slice(-8).join('\n');
}
