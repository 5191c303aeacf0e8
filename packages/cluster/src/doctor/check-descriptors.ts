import type { ClusterSpec } from '@holdfast/spec';
import { type Finding, ok, warning } from './finding.js';

export interface DescriptorFact {
  readonly unit: string;
  readonly component: string;
  /** `Max open files` of the main process (proc(5), limits). */
  readonly softLimit: number;
  readonly hardLimit: number;
}

/** How many a unit may come to need: two for each connection that a proxy carries. */
export function neededDescriptors(spec: ClusterSpec, component: string): number {
  switch (component) {
    case 'haproxy':
      return 2 * spec.haproxy.maxConnections + 100;
    case 'pgbouncer':
      return 2 * spec.pooler.maxClientConnections + 100;
    default:
      return 1024;
  }
}

/** HAProxy raises its own soft limit, so there the hard one counts. */
export function judgeDescriptors(spec: ClusterSpec, facts: readonly DescriptorFact[]): readonly Finding[] {
  const findings = facts.flatMap(({ unit, component, softLimit, hardLimit }): Finding[] => {
    const limit = component === 'haproxy' ? hardLimit : softLimit;
    const needed = neededDescriptors(spec, component);
    if (limit >= needed) return [];
    return [
      warning(
        `descriptors.${unit}`,
        `${unit} may open ${limit} files and connections but may need ${needed}`,
        `ulimit -n ${needed} (or LimitNOFILE=${needed} in the systemd unit), then holdfast down and holdfast up`,
      ),
    ];
  });
  return findings.length > 0 ? findings : [ok('descriptors', 'limits of open files are high enough')];
}
