import { basename } from 'node:path';
import { containerLayout, type Unit } from '@holdfast/components';

/** A file that a unit in a container or a pod reads while it runs. */
export interface CopiedFile {
  /** Absolute path on this machine. */
  readonly from: string;
  /** In the folder where such files are mounted. */
  readonly name: string;
}

/** What has to be brought to these units. Their plan calls the state folder by its name inside. Pure. */
export function copiedFiles(units: readonly Unit[], stateDirectory: string): readonly CopiedFile[] {
  const inside = `${containerLayout.stateDirectory}/`;
  return units
    .flatMap(({ copies = [] }) => copies)
    .map(({ from, path }) => ({
      from: from.startsWith(inside) ? `${stateDirectory}/${from.slice(inside.length)}` : from,
      name: basename(path),
    }));
}
