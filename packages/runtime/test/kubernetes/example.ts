import type { ImageTags } from '@holdfast/components';
import { type ClusterSpec, parseSpecFile, resolveSpec } from '@holdfast/spec';

export const images: ImageTags = {
  patroni: 'holdfast/patroni:1',
  proxy: 'holdfast/proxy:1',
  etcd: 'holdfast/etcd:1',
  api: 'holdfast/api:1',
};

export function kubernetesSpec(text = ''): ClusterSpec {
  const machine = { memoryBytes: 2 ** 34, cores: 8 };
  return resolveSpec(parseSpecFile(`runtime: kubernetes\n${text}`, 'holdfast.yaml'), machine, undefined);
}
