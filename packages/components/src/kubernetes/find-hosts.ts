import type { ClusterSpec } from '@holdfast/spec';

/** Where the init container leaves what it found, for `start`. */
export const foundFolder = '/run/found';
export const foundHosts = `${foundFolder}/hosts`;

function variable(index: number): string {
  return `HOLDFAST_HOST_${index + 1}`;
}

/**
 * The cluster as HAProxy's pods see it when members are outside Kubernetes: each at a variable that the init container fills. HAProxy itself looks a
 * name up at its start only, ends when there is none yet, and says little about why. HAProxy takes variables in double quotes. Pure.
 */
export function withFoundHosts(spec: ClusterSpec): ClusterSpec {
  const { hosts } = spec.kubernetes;
  const members = spec.members.map((each, index) => ({ ...each, host: `"\${${variable(index % hosts.length)}}"` }));
  return { ...spec, members };
}

/** Arguments of the script: which variable stands for which host, and at which port Patroni of the first member there answers. Pure. */
export function findHostsArguments({ kubernetes, members }: ClusterSpec): readonly string[] {
  return kubernetes.hosts.map((host, index) => `${variable(index)}=${host}:${members[index]?.patroniPort ?? 0}`);
}

/** Runs before HAProxy. Waits for names, not for members: HAProxy has to run before they do. */
export const findHostsScript = `#!/bin/bash
# find-hosts VARIABLE=HOST:PORT…: writes VARIABLE=ADDRESS for each Docker host to ${foundHosts}.
set -euo pipefail
for argument in "$@"; do
  variable=\${argument%%=*} host=\${argument#*=}
  port=\${host##*:} host=\${host%:*} address=''
  for ((attempt = 0; attempt < 60; attempt++)); do
    read -r address _ < <(getent ahostsv4 "$host") || true
    [[ -z $address ]] || break
    ((attempt % 10)) || echo "find-hosts: $host has no address yet"
    sleep 1
  done
  if [[ -z $address ]]; then
    echo "find-hosts: no address for $host. Give the host another name, or none, in holdfast.yaml (hosts)." >&2
    exit 1
  fi
  if timeout 2 bash -c "</dev/tcp/$address/$port" 2>/dev/null; then answer=answers; else answer='does not answer yet'; fi
  echo "find-hosts: $host is $address; Patroni at port $port $answer"
  echo "$variable=$address"  >&3
done 3>${foundHosts}
`;
