import { readFile } from 'node:fs/promises';
import type { Accounts } from '@holdfast/components';

/** Accounts that units run as under a root runtime: each part's own where the system has one, else PostgreSQL's. */
export async function findAccounts(): Promise<Accounts> {
  const names = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':')[0]);
  const own = (name: string) => (names.includes(name) ? name : 'postgres');
  return {
    etcd: own('etcd'),
    patroni: 'postgres',
    haproxy: own('haproxy'),
    pgbouncer: own('pgbouncer'),
    net: own('nobody'),
    api: own('nobody'),
  };
}
