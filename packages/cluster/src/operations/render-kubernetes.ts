import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type RenderedFile, renderKubernetes } from '@holdfast/components';
import { type ClusterSpec, resolveSpec, type SpecFile } from '@holdfast/spec';
import { renderTargetNotEmpty } from '../errors.js';
import { loadSpec, type OpenOptions, thisMachine } from '../open-cluster.js';

/**
 * Writes the manifests for Kubernetes and the values for Supabase's community chart to `folder`. No secret is in them, and nothing is asked of a
 * Kubernetes cluster or of this machine. Answers the files, relative to `folder`.
 */
export async function renderKubernetesToFolder(
  options: OpenOptions & { readonly folder: string; readonly signal: AbortSignal },
): Promise<readonly string[]> {
  const folder = resolve(options.cwd, options.folder);
  if ((await readdir(folder).catch(() => [])).length > 0) throw renderTargetNotEmpty(folder);
  const files = await kubernetesFiles(options);
  for (const { path, content, mode } of files) {
    options.signal.throwIfAborted();
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content, { mode });
  }
  return files.map(({ path }) => path);
}

/** The same without a folder. */
export async function kubernetesFiles(options: OpenOptions): Promise<readonly RenderedFile[]> {
  const { file } = await loadSpec(options);
  return renderKubernetes(specInKubernetes(file));
}

/** The cluster of a file as it would be in Kubernetes: what the file says of this machine and its network does not count there. */
export function specInKubernetes(file: SpecFile): ClusterSpec {
  const { hosts: _hosts, listen: _listen, resources: _resources, ports, ...rest } = file;
  const kept = ports === undefined || ports === 'auto' ? {} : { ports };
  return resolveSpec({ ...rest, ...kept, runtime: 'kubernetes' }, thisMachine(), undefined);
}
