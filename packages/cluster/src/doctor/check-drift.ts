import type { JsonObject } from '@holdfast/components';
import type { UnitChange } from '@holdfast/runtime';
import { diffConfiguration } from '../operations/diff-configuration.js';
import { type Finding, info, ok, warning } from './finding.js';

export interface DriftFacts {
  /** What Patroni has in etcd; undefined: not known. */
  readonly configuration: JsonObject | undefined;
  /** What the plan in force wants there; undefined: there is none. */
  readonly wanted: JsonObject | undefined;
  /** What `up` would change, from the plan in force to the one of the spec now; undefined: not known. */
  readonly pendingChanges: readonly UnitChange[] | undefined;
  /** Rendered files of the plan in force that are not as they were written. */
  readonly files: readonly { readonly path: string; readonly problem: 'missing' | 'changed' | 'unreadable' }[];
}

/** Did somebody change by hand what Holdfast rendered, or edit the spec without applying it? Contents are never shown. */
export function judgeDrift(facts: DriftFacts): readonly Finding[] {
  const findings: Finding[] = [];
  if (facts.configuration && facts.wanted) {
    const { lines } = diffConfiguration(facts.configuration, facts.wanted);
    for (const line of lines) {
      findings.push(
        warning(
          `drift.configuration.${line.split(':', 1)[0]}`,
          `Patroni's configuration differs from the plan: ${line}`,
          'holdfast up puts the plan back; to keep the change write it into holdfast.yaml first',
        ),
      );
    }
  }
  for (const { unit, action, because } of facts.pendingChanges ?? []) {
    findings.push(
      info(`drift.spec.${unit}`, `holdfast up would ${action} ${unit}: ${because.join(', ')}`, 'holdfast up'),
    );
  }
  for (const { path, problem } of facts.files) {
    if (problem === 'unreadable') findings.push(info(`drift.file.${path}`, `${path} may not be read by this account`));
    else
      findings.push(
        warning(
          `drift.file.${path}`,
          `${path} is ${problem === 'missing' ? 'missing' : 'not as it was written'}`,
          'holdfast up',
        ),
      );
  }
  if (findings.length > 0) return findings;
  if (!facts.wanted) return [info('drift', 'no plan is in force yet', 'holdfast up')];
  return [ok('drift', 'configuration and files are as planned')];
}
