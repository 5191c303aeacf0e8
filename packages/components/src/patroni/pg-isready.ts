import { join } from 'node:path';
import { unitDirectory } from '../paths.js';

/**
 * What Patroni runs in place of pg_isready (its setting `postgresql.bin_name`). Patroni asks right after it started PostgreSQL and then
 * once a second; PostgreSQL usually is there 20 ms after the first question, so each start took a second longer than it needs. This asks
 * for 0.3 s before it answers no. Exit codes are pg_isready's: 0 accepting, 1 rejecting, 2 no response, 3 no attempt (PostgreSQL manual,
 * pg_isready).
 */
export function renderPgIsready(postgresBin: string): string {
  return `#!/bin/sh
tries=6
while :; do
  '${postgresBin}/pg_isready' -q "$@"
  code=$?
  tries=$((tries - 1))
  case $code in
    1 | 2) [ "$tries" -gt 0 ] || exit "$code" ;;
    *) exit "$code" ;;
  esac
  sleep 0.05
done
`;
}

export function pgIsreadyPath(stateDirectory: string, member: string): string {
  return join(unitDirectory(stateDirectory, member), 'pg_isready');
}
