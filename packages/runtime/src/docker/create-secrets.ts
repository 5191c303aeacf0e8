import type { SecretName } from '@holdfast/spec';

/**
 * A script that makes the secrets' files where there are none, for people who use the rendered folder by hand; `up` writes its own. Each
 * file is readable by all, since containers run under accounts of their own, in a folder that only its owner can enter. `hosts`: folders
 * beside it that get a copy. Pure.
 */
export function renderCreateSecrets(names: readonly SecretName[], hosts: readonly string[] = []): string {
  return `#!/bin/sh
# Makes secrets/NAME for each password that is not there yet. Keep the folder: the database is made with them.
set -eu
cd -- "$(dirname -- "$0")"
mkdir -p -m 0700 secrets
for name in ${names.join(' ')}; do
  [ ! -e "secrets/$name" ] || continue
  # Letters, digits, hyphen and underscore need quotes nowhere.
  value=$(head -c 36 /dev/urandom | base64 | tr -d '\\n' | tr '+/' '-_')
  printf 's%s' "$value" >"secrets/.$name"
  chmod 0444 "secrets/.$name"
  mv "secrets/.$name" "secrets/$name"
done
${hosts.map((host) => `cp -Rpf secrets ${host}/\n`).join('')}`;
}
