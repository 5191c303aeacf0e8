#!/bin/sh
# Fetches passwords and etcd's client certificate from Kubernetes, where make-secrets made them. Needs kubectl.
set -eu
umask 077
cd -- "$(dirname -- "$0")"
# fetch SECRET KEY FILE
fetch() {
  kubectl get secret "$1" --namespace 'split' --output "go-template={{index .data \"$2\" | base64decode}}" >"$3.new"
  [ -s "$3.new" ] || { echo "fetch-secrets: the Secret $1 has no $2" >&2; exit 1; }
  chmod 0444 "$3.new"
  mv -f "$3.new" "$3"
}
mkdir -p -m 0700 secrets etcd-client
for name in agent haproxy-admin patroni-api postgres replication rewind; do
  fetch holdfast-secrets "$name" "secrets/$name"
done
for name in ca.crt tls.crt tls.key; do
  fetch etcd-client-tls "$name" "etcd-client/$name"
done
# It is mounted as a folder, which the account in the container has to enter; nobody else gets as far as that.
chmod 0755 etcd-client
chmod 0700 . 192.168.49.1
cp -Rpf secrets etcd-client 192.168.49.1/
