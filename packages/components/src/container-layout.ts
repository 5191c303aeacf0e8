import type { Layout } from './plan.js';

/**
 * The place inside Holdfast's images (packages/runtime/images): the same paths, programs and accounts in each of them, so that a plan made
 * with it needs nothing of the machine that it is made on. Docker and Kubernetes run the same images.
 */
export const containerLayout: Layout = {
  stateDirectory: '/var/lib/holdfast',
  copies: '/run/holdfast-keys',
  tools: {
    etcd: '/usr/bin/etcd',
    patroni: {
      argv: ['/usr/bin/python3', '/opt/patroni/usr/bin/patroni'],
      ctlArgv: ['/usr/bin/python3', '/opt/patroni/usr/bin/patronictl'],
      env: { PYTHONPATH: '/opt/patroni/usr/lib/python3/dist-packages' },
      version: '4.0.7',
      origin: 'Debian package, unpacked in the image',
    },
    postgresBin: '/usr/lib/postgresql/15/bin',
    postgresMajor: 15,
    haproxy: '/usr/sbin/haproxy',
    pgbouncer: '/usr/sbin/pgbouncer',
    agent: nodeProgram('agent'),
    net: nodeProgram('net'),
    api: nodeProgram('api', ['--max-old-space-size=512', '--max-semi-space-size=8']),
  },
  accounts: {
    etcd: 'etcd',
    patroni: 'postgres',
    haproxy: 'holdfast',
    pgbouncer: 'holdfast',
    net: 'holdfast',
    api: 'api',
  },
};

/** The images that packages/runtime/images has the parts of. */
export type ImageName = 'etcd' | 'patroni' | 'proxy' | 'api';

/** Name and tag of each. */
export type ImageTags = Readonly<Record<ImageName, string>>;

/** Where configuration is mounted, read-only and without secrets; the entrypoint copies it to the unit's own folder and fills them in. */
export const containerConfiguration = '/etc/holdfast';

/** One file a secret, named like it. */
export const containerSecrets = '/run/secrets';

/** The image's entrypoint reads a variable's value from the file that NAME_FILE names. */
export function secretVariable(name: string): string {
  return `${name}_FILE`;
}

function nodeProgram(
  name: string,
  options: readonly string[] = ['--max-old-space-size=128', '--max-semi-space-size=1'],
): readonly [string, ...string[]] {
  return ['/usr/local/bin/node', ...options, `/opt/holdfast/${name}.mjs`];
}
