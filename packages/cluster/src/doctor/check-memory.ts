import type { ClusterSpec, ParameterValue } from '@holdfast/spec';
import { parseSize } from '@holdfast/spec';
import { error, type Finding, info, ok, showBytes, warning } from './finding.js';

export interface MemoryFact {
  readonly totalBytes: number;
  /** MemAvailable of /proc/meminfo; undefined: not known. */
  readonly availableBytes: number | undefined;
}

/** Shared buffers are bare numbers of 8 kB pages, or a size. https://www.postgresql.org/docs/15/runtime-config-resource.html */
function sharedBuffers(value: ParameterValue | undefined): number | undefined {
  if (value === undefined || typeof value === 'boolean') return undefined;
  if (/^\d+$/.test(String(value))) return Number(value) * 8192;
  return parseSize(value);
}

/** Compares what all members plan to keep in memory with what the machine has. */
export function judgeMemory(spec: ClusterSpec, fact: MemoryFact): readonly Finding[] {
  const findings: Finding[] = [];
  const each = sharedBuffers(spec.postgres.parameters.shared_buffers);
  if (each === undefined) {
    findings.push(info('memory.shared-buffers', 'shared_buffers is not known, so memory was not added up'));
  } else {
    const sum = each * spec.members.length;
    const what = `shared_buffers of all ${spec.members.length} members: ${showBytes(sum)} of ${showBytes(fact.totalBytes)}`;
    const remedy = 'Lower postgres.parameters.shared_buffers in holdfast.yaml, then holdfast up and holdfast restart';
    if (sum > 0.8 * fact.totalBytes) findings.push(error('memory.shared-buffers', what, remedy));
    else if (sum > 0.5 * fact.totalBytes) findings.push(warning('memory.shared-buffers', what, remedy));
    else findings.push(ok('memory.shared-buffers', what));
  }
  const { availableBytes } = fact;
  if (availableBytes === undefined) return findings;
  const what = `${showBytes(availableBytes)} of memory are available`;
  const scarce = availableBytes < 0.05 * fact.totalBytes;
  findings.push(
    scarce
      ? warning('memory.available', what, 'ps -eo rss,pid,comm --sort=-rss | head shows who has it')
      : ok('memory.available', what),
  );
  return findings;
}
