import type { ClusterSpec, Machine } from './cluster-spec.js';
import { isLoopback } from './hba.js';
import { readHbaLine } from './hba-line.js';
import { formatSize, MiB } from './quantity.js';

const littleMemory = 128 * MiB;

/** What is legal but deserves a word. */
export function findWarnings(
  spec: Omit<ClusterSpec, 'warnings'>,
  userHba: readonly string[],
  machine: Machine,
): readonly string[] {
  return [
    ...memberWarnings(spec),
    ...(spec.etcd.members.length === 1 ? ['etcd.size: with one etcd member, its loss stops failover.'] : []),
    ...networkWarnings(spec, userHba),
    ...resourceWarnings(spec, machine),
  ];
}

function memberWarnings({ members, synchronous, postgres }: Omit<ClusterSpec, 'warnings'>): readonly string[] {
  const count = members.length;
  const warnings: string[] = [];
  if (count === 1) warnings.push('members: with one member there is no failover.');
  else if (count % 2 === 0) {
    warnings.push(`members: ${count} is even; a majority survives no more losses than with ${count - 1}.`);
  }
  if (count > 1 && synchronous.mode === 'off') {
    warnings.push('synchronous: off; a failover may lose acknowledged writes.');
  }
  if (count > 1 && synchronous.mode === 'strict' && synchronous.standbys === count - 1) {
    warnings.push('synchronous: strict with every replica as a standby; writes wait while any member is down.');
  }
  if (synchronous.mode !== 'off' && String(postgres.parameters.synchronous_commit).toLowerCase() === 'remote_write') {
    warnings.push(
      'postgres.parameters.synchronous_commit: remote_write; acknowledged writes may be lost with the power.',
    );
  }
  return warnings;
}

function networkWarnings({ listen }: Omit<ClusterSpec, 'warnings'>, userHba: readonly string[]): readonly string[] {
  const open = userHba.flatMap((text, index) => {
    const reading = readHbaLine(text);
    const warned = reading.ok && reading.line.open && reading.line.method !== 'reject';
    return warned ? [`postgres.hba[${index}]: every address may try to log in, also as the superuser.`] : [];
  });
  const exposed = `listen: ${listen} is not loopback; etcd has no password, so let a firewall keep others from its ports.`;
  return isLoopback(listen) ? open : [exposed, ...open];
}

function resourceWarnings({ members, resources }: Omit<ClusterSpec, 'warnings'>, machine: Machine): readonly string[] {
  const warnings: string[] = [];
  const { memoryBytes, cores } = resources;
  if (memoryBytes > machine.memoryBytes) {
    warnings.push(`resources.memory: ${formatSize(memoryBytes)} is more than this machine has.`);
  }
  if (cores > machine.cores)
    warnings.push(`resources.cores: ${cores} is more than the ${machine.cores} of this machine.`);
  if (memoryBytes / members.length < littleMemory) {
    warnings.push(`resources.memory: less than ${formatSize(littleMemory)} for each member; expect it to be slow.`);
  }
  return warnings;
}
