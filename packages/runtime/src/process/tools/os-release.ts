import { readFile } from 'node:fs/promises';

/** What the machine runs, as far as it matters for finding packages. */
export interface OperatingSystem {
  /** `debian`, `ubuntu`, `fedora` … ; `unknown` without /etc/os-release. */
  readonly id: string;
  /** For example `bookworm`; undefined where the system names none. */
  readonly codename: string | undefined;
  /** For people. */
  readonly name: string;
  /** True for Debian, Ubuntu and what calls itself like them. */
  readonly hasApt: boolean;
}

/** Pure: os-release(5), `KEY=value` with optional shell quoting. */
export function parseOsRelease(text: string): OperatingSystem {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^([A-Z_0-9]+)=(?:"(.*)"|'(.*)'|(.*))$/.exec(line.trim());
    const key = match?.[1];
    if (match !== null && key !== undefined) values.set(key, match[2] ?? match[3] ?? match[4] ?? '');
  }
  const id = values.get('ID') ?? 'unknown';
  const like = (values.get('ID_LIKE') ?? '').split(' ');
  return {
    id,
    codename: values.get('VERSION_CODENAME'),
    name: values.get('PRETTY_NAME') ?? id,
    hasApt: [id, ...like].some((name) => name === 'debian' || name === 'ubuntu'),
  };
}

export async function readOperatingSystem(): Promise<OperatingSystem> {
  return parseOsRelease(await readFile('/etc/os-release', 'utf8').catch(() => ''));
}
