import { secretObjects } from '@holdfast/components';
import type { SecretName } from '@holdfast/spec';

/** Of the certificate that members show to etcd, in the rendered folder. */
export const certificateFolder = 'etcd-client';

/**
 * A script that fetches what members in Docker need of a cluster whose etcd and proxies are in Kubernetes: the passwords that HAProxy knows, too, and a
 * client's certificate for etcd. It leaves the files as the containers' accounts can read them, in folders that only their owner can enter. Pure.
 */
export function renderFetchSecrets(namespace: string, names: readonly SecretName[], hosts: readonly string[]): string {
  return `#!/bin/sh
# Fetches passwords and etcd's client certificate from Kubernetes, where make-secrets made them. Needs kubectl.
set -eu
umask 077
cd -- "$(dirname -- "$0")"
# fetch SECRET KEY FILE
fetch() {
  kubectl get secret "$1" --namespace '${namespace}' --output "go-template={{index .data \\"$2\\" | base64decode}}" >"$3.new"
  [ -s "$3.new" ] || { echo "fetch-secrets: the Secret $1 has no $2" >&2; exit 1; }
  chmod 0444 "$3.new"
  mv -f "$3.new" "$3"
}
mkdir -p -m 0700 secrets ${certificateFolder}
for name in ${names.join(' ')}; do
  fetch ${secretObjects.cluster} "$name" "secrets/$name"
done
for name in ca.crt tls.crt tls.key; do
  fetch ${secretObjects.etcdClient} "$name" "${certificateFolder}/$name"
done
# It is mounted as a folder, which the account in the container has to enter; nobody else gets as far as that.
chmod 0755 ${certificateFolder}
chmod 0700 ${['.', ...hosts].join(' ')}
${hosts.map((host) => `cp -Rpf secrets ${certificateFolder} ${host}/\n`).join('')}`;
}
