import { existsSync } from 'node:fs';

/** Where ip-netns(8) keeps a network namespace by its name. */
export function networkNamespacePath(name: string): string {
  return `/run/netns/${name}`;
}

export function hasNetworkNamespace(name: string): boolean {
  return existsSync(networkNamespacePath(name));
}
