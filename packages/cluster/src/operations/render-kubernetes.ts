import { renderKubernetes } from '@holdfast/components';
import { builtImages, type FolderFile } from '@holdfast/runtime';
import { type ClusterSpec, resolveSpec, type SpecFile } from '@holdfast/spec';
import { loadSpec, type OpenOptions, thisMachine } from '../open-cluster.js';

/**
 * The manifests for Kubernetes and the values for Supabase's community chart. No secret is in them, and nothing is asked of a Kubernetes cluster or
 * of this machine.
 */
export async function kubernetesFiles(options: OpenOptions): Promise<readonly FolderFile[]> {
  const { file } = await loadSpec(options);
  const spec = specInKubernetes(file);
  return renderKubernetes(spec, builtImages(spec));
}

/** The cluster of a file as it would be in Kubernetes: what the file says of this machine and its network does not count there. */
export function specInKubernetes(file: SpecFile): ClusterSpec {
  const { hosts, listen: _listen, resources: _resources, ports, ...rest } = file;
  const isSplit = rest.kubernetes?.members === 'docker';
  const kept = ports === undefined || ports === 'auto' ? {} : { ports };
  return resolveSpec(
    { ...rest, ...kept, ...(isSplit ? { hosts } : {}), runtime: 'kubernetes' },
    thisMachine(),
    undefined,
  );
}
