import { containerLayout, memberDataDirectory } from '@holdfast/components';
import type { ClusterSpec } from '@holdfast/spec';

/** A member's data directory as its processes know it: below the state folder, or in its container. */
export function dataDirectoryOf({ runtime }: ClusterSpec, stateDirectory: string, member: string): string {
  return memberDataDirectory(runtime === 'process' ? stateDirectory : containerLayout.stateDirectory, member);
}
