#!/bin/sh
# Makes secrets/NAME for each password that is not there yet. Keep the folder: the database is made with them.
set -eu
cd -- "$(dirname -- "$0")"
mkdir -p -m 0700 secrets
for name in agent authenticator haproxy-admin haproxy-stats net patroni-api pgbouncer pooler-admin postgres replication rewind supabase-auth-admin; do
  [ ! -e "secrets/$name" ] || continue
  # Letters, digits, hyphen and underscore need quotes nowhere.
  value=$(head -c 36 /dev/urandom | base64 | tr -d '\n' | tr '+/' '-_')
  printf 's%s' "$value" >"secrets/.$name"
  chmod 0444 "secrets/.$name"
  mv "secrets/.$name" "secrets/$name"
done
