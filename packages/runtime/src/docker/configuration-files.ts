import { basename } from 'node:path';
import { containerConfiguration, type Unit, type UnitFile } from '@holdfast/components';
import { redactTemplate } from '@holdfast/spec';
import { memberNumber } from './containers.js';

/** A unit's file in the rendered folder, and where its container finds it. */
export interface ConfigurationFile {
  /** Relative to the folder. */
  readonly path: string;
  /** Absolute, in the container. */
  readonly mounted: string;
  /** Secrets by name, in their places. */
  readonly text: string;
  readonly isProgram: boolean;
  readonly onChange: UnitFile['onChange'];
}

/** Pure. What members have in common is there once. */
export function configurationFiles(unit: Unit): readonly ConfigurationFile[] {
  return unit.files.map((file) => {
    const name = basename(file.path);
    return {
      path: `${folders[unit.component]}/${ownName(unit, name)}`,
      mounted: `${containerConfiguration}/${unit.id}/${name}`,
      text: redactTemplate(file.content),
      isProgram: (file.mode & 0o100) !== 0,
      onChange: file.onChange,
    };
  });
}

const folders: Readonly<Record<Unit['component'], string>> = {
  etcd: 'etcd-config',
  patroni: 'patroni-config',
  agent: 'patroni-config',
  haproxy: 'haproxy-config',
  pgbouncer: 'pgbouncer-config',
  net: 'net-config',
  api: 'api-config',
};

/** Files that differ between members: patroni.yml is the first one's, patroni-2.yml the second one's. */
const perMember = ['patroni.yml', 'agent.json'];

function ownName({ id, component }: Unit, name: string): string {
  if ((component !== 'patroni' && component !== 'agent') || !perMember.includes(name)) return name;
  const number = memberNumber(id);
  return number === 1 ? name : name.replace(/(\.[^.]*)$/, `-${number}$1`);
}
