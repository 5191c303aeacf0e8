import { containerConfiguration, containerSecrets } from '../container-layout.js';
import { foundHosts } from './find-hosts.js';

/**
 * What each container runs below tini: finds out which unit this pod is, and becomes it. All pods of a set have one template and one
 * ConfigMap; `pg#` in the pod postgres-0 is the unit pg1. With a signal, it takes over files that change later, as Kubernetes updates
 * ConfigMaps and Secrets in running pods, and sends the signal to the unit: HAProxy, PgBouncer and Patroni then load them without
 * losing a connection.
 */
export const startScript = `#!/bin/bash
# start UNIT [SIGNAL]
set -euo pipefail
unit=$1
if [[ $unit == *'#' ]]; then unit=\${unit%'#'}$((\${HOSTNAME##*-} + 1)); fi
export HOLDFAST_UNITS=$unit
if [[ -r ${foundHosts} ]]; then
  set -a
  # shellcheck source=/dev/null
  source ${foundHosts}
  set +a
fi
if [[ -d ${containerConfiguration}/$unit-agent ]]; then HOLDFAST_UNITS+=" $unit-agent"; fi
state=/var/lib/holdfast
# Kubernetes opens volumes to the pod's group; PostgreSQL and etcd want their data for themselves.
for folder in "$state/data/$unit" "$state/data/$unit/pgdata"; do
  if [[ -d $folder ]]; then chmod 0700 "$folder"; fi
done
version() {
  readlink ${containerConfiguration}/..data ${containerSecrets}/..data || true
}
follow() {
  local seen=$1 now
  while sleep 5 && kill -0 $$ 2>/dev/null; do
    now=$(version)
    if [[ $now != "$seen" ]] && /usr/local/bin/holdfast-unit --sync "$2"; then seen=$now; fi
  done
}
# As nobody's child: HAProxy's master ends once it has none left, whoever they are.
if [[ -n \${2:-} ]]; then (follow "$(version)" "$2" &); fi
# Patroni asks once which version etcd's members have agreed on, and keeps to a wrong path of its API when they have not yet.
agreed() {
  timeout 1 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "GET /metrics HTTP/1.0\\r\\n\\r\\n" >&3 &&
    grep -Eq "^etcd_cluster_version[{]cluster_version=.(3[.]([4-9]|[1-9][0-9])|[4-9][.][0-9]+).[}] 1" <&3' "\${1%:*}" "\${1##*:}" 2>/dev/null
}
await_etcd() {
  local end=$((SECONDS + 60)) address
  while ((SECONDS < end)); do
    for address in "$@"; do
      if agreed "$address"; then return; fi
    done
    sleep 0.1
  done
  echo "start: etcd's members have not agreed on a version" >&2
}
if [[ -n \${HOLDFAST_ETCD:-} ]]; then await_etcd $HOLDFAST_ETCD; fi
mkdir -p -m 0700 "$state/units/$unit"
cd "$state/units/$unit"
mapfile -t argv <"${containerConfiguration}/$unit/argv"
exec /usr/local/bin/holdfast-unit "\${argv[@]}"
`;
