import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { type ClusterSpec, redactTemplate } from '@holdfast/spec';
import type { Unit } from '../unit.js';
import { type KubernetesObject, namespaced, type PodName } from './objects.js';
import { startScript } from './start-script.js';

/** What a pod runs: a unit, and what stands beside it in the same container. */
export interface RunningUnits {
  readonly unit: Unit;
  /** The agent of a member. */
  readonly beside?: Unit | undefined;
}

/** Files of a part's pods: a ConfigMap, and how a volume shows it below /etc/holdfast. */
export interface Configuration {
  readonly object: KubernetesObject;
  readonly volume: Readonly<Record<string, unknown>>;
  /** Changes when something changes that only a restart takes over. */
  readonly restartHash: string;
}

interface ConfigurationFile {
  readonly path: string;
  readonly key: string;
  readonly content: string;
  readonly executable: boolean;
  readonly restarts: boolean;
}

/** `programs`: more that stand beside `start`. No secret is in it: `<secret:NAME>` stands for each, which the images' entrypoint fills in. Pure. */
export function renderConfiguration(
  spec: ClusterSpec,
  part: PodName,
  running: readonly RunningUnits[],
  programs: Readonly<Record<string, string>> = {},
): Configuration {
  const files = shareKeys([
    ...Object.entries({ start: startScript, ...programs }).map(([name, content]) => ({
      path: name,
      key: name,
      content,
      executable: true,
      restarts: true,
    })),
    ...running.flatMap(unitFiles),
  ]);
  const name = `${part}-configuration`;
  const data = Object.fromEntries(files.map(({ key, content }) => [key, content]));
  const items = files.map(({ key, path, executable }) => ({ key, path, ...(executable ? { mode: 0o555 } : {}) }));
  const hash = createHash('sha256');
  for (const { path, content, restarts } of files) if (restarts) hash.update(JSON.stringify([path, content]));
  return {
    object: namespaced(spec, { apiVersion: 'v1', kind: 'ConfigMap', name, part, body: { data } }),
    volume: { name: 'configuration', configMap: { name, defaultMode: 0o444, items } },
    restartHash: hash.digest('hex').slice(0, 16),
  };
}

function unitFiles({ unit, beside }: RunningUnits): readonly ConfigurationFile[] {
  const argv =
    beside === undefined ? unit.argv : ['/usr/local/bin/holdfast-member', ...unit.argv, '--', ...beside.argv];
  return [
    file(unit, 'argv', `${argv.join('\n')}\n`, { executable: false, restarts: true }),
    ...[unit, ...(beside === undefined ? [] : [beside])].flatMap((each) =>
      each.files.map(({ path, mode, content, onChange }) =>
        file(each, basename(path), redactTemplate(content), {
          executable: (mode & 0o100) !== 0,
          restarts: onChange === 'restart',
        }),
      ),
    ),
  ];
}

function file(
  unit: Unit,
  name: string,
  content: string,
  kind: Pick<ConfigurationFile, 'executable' | 'restarts'>,
): ConfigurationFile {
  return { path: `${unit.id}/${name}`, key: `${unit.id}.${name}`, content, ...kind };
}

/** A file that is the same for several units is kept once: a ConfigMap holds no more than 1 MiB. */
function shareKeys(files: readonly ConfigurationFile[]): readonly ConfigurationFile[] {
  const keys = new Map<string, string>();
  return files.map((each) => {
    const identity = JSON.stringify([basename(each.path), each.content]);
    const key = keys.get(identity) ?? each.key;
    keys.set(identity, key);
    return { ...each, key };
  });
}
