import type { ToolName } from './find-tools.js';

/** What apt offers here, as far as the choice of packages depends on it. */
export interface AptOffer {
  /** Candidate versions by package; absent: apt knows no such package. */
  readonly candidates: Readonly<Record<string, string>>;
}

/** Packages whose candidates `choosePackages` looks at. */
export const consideredPackages = [
  'etcd-server',
  'etcd',
  'haproxy',
  'pgbouncer',
  'patroni',
  'postgresql-18',
  'postgresql-17',
  'postgresql-16',
  'postgresql-15',
  'postgresql-14',
  'postgresql-13',
] as const;

/** What Debian 13's Patroni needs at run time and Debian 12 has; python3-ydiff exists from Debian 13 on. */
export const patroniLibraries = [
  'python3',
  'python3-cdiff',
  'python3-click',
  'python3-dateutil',
  'python3-dnspython',
  'python3-etcd',
  'python3-prettytable',
  'python3-psutil',
  'python3-psycopg2',
  'python3-urllib3',
  'python3-yaml',
] as const;

/** Services that those packages would start or enable. */
export const debianServices = ['etcd', 'haproxy', 'pgbouncer', 'postgresql', 'patroni'] as const;

export interface PackageChoice {
  readonly packages: readonly string[];
  /** True: the system's Patroni is too old; its libraries come from apt, Patroni itself is fetched privately. */
  readonly fetchPatroni: boolean;
  /** Tools that no package of this system provides. */
  readonly unavailable: readonly string[];
}

/** Pure: what to install so that nothing is missing any more. `major` as in findTools. */
export function choosePackages(
  missing: readonly ToolName[],
  offer: AptOffer,
  major: number | undefined,
): PackageChoice {
  const packages = new Set<string>();
  const unavailable: string[] = [];
  let fetchPatroni = false;
  const firstOffered = (names: readonly string[]) => names.find((name) => offer.candidates[name] !== undefined);
  const add = (what: string, names: readonly string[]) => {
    const name = firstOffered(names);
    if (name === undefined) unavailable.push(what);
    else packages.add(name);
  };
  for (const tool of missing) {
    switch (tool) {
      case 'etcd':
        add('etcd', ['etcd-server', 'etcd']);
        break;
      case 'haproxy':
      case 'pgbouncer':
        add(tool, [tool]);
        break;
      case 'postgres': {
        const majors = major === undefined ? [15, 18, 17, 16, 14, 13] : [major];
        add(
          `PostgreSQL ${major ?? ''}`.trim(),
          majors.map((number) => `postgresql-${number}`),
        );
        break;
      }
      case 'patroni': {
        const candidate = offer.candidates.patroni;
        if (candidate !== undefined && Number.parseInt(candidate, 10) >= 4) {
          packages.add('patroni');
          packages.add('python3-etcd');
          packages.add('python3-psycopg2');
        } else {
          for (const library of patroniLibraries) packages.add(library);
          fetchPatroni = true;
        }
        break;
      }
    }
  }
  return { packages: [...packages].sort(), fetchPatroni, unavailable };
}

/** Pure: `apt-cache policy A B …` to candidates. */
export function parseAptPolicy(text: string): AptOffer {
  const candidates: Record<string, string> = {};
  let name = '';
  for (const line of text.split('\n')) {
    const heading = /^([a-z0-9][a-z0-9+.-]*):$/.exec(line);
    if (heading?.[1] !== undefined) name = heading[1];
    const candidate = /^\s+Candidate:\s+(\S+)$/.exec(line)?.[1];
    if (candidate !== undefined && candidate !== '(none)' && name !== '') candidates[name] = candidate;
  }
  return { candidates };
}
