import { judgePatroniVersion } from '@holdfast/runtime';
import type { ClusterView } from '../view/view.js';
import { error, type Finding, info, ok, warning } from './finding.js';

/** `origin`: where the Patroni that would be started comes from, for people. */
export function judgePatroni(view: ClusterView, origin: string | undefined): readonly Finding[] {
  const findings: Finding[] = [];
  for (const { name, state, patroniVersion, dcsReachable } of view.members) {
    if (state === 'unreachable') {
      findings.push(
        error(`patroni.${name}`, `the Patroni of ${name} does not answer`, `holdfast logs ${name}; holdfast up`),
      );
      continue;
    }
    if (dcsReachable === false) {
      findings.push(
        error(
          `patroni.dcs.${name}`,
          `the Patroni of ${name} does not reach etcd`,
          `holdfast logs ${name}; then look at etcd: holdfast status`,
        ),
      );
    }
    const judgement = patroniVersion === undefined ? undefined : judgePatroniVersion(patroniVersion);
    if (judgement && !judgement.sound) {
      findings.push(
        error(
          `patroni.version.${name}`,
          `${name}: ${judgement.reason}`,
          'holdfast down, then holdfast up, which finds or fetches a sound one',
        ),
      );
    }
  }
  const versions = [...new Set(view.members.flatMap(({ patroniVersion }) => patroniVersion ?? []))];
  if (versions.length > 1) {
    findings.push(
      warning(
        'patroni.versions',
        `the members run different Patronis: ${versions.join(', ')}`,
        'holdfast up restarts those that are old',
      ),
    );
  }
  const from = origin === undefined ? '' : `, ${origin}`;
  if (findings.length === 0) findings.push(ok('patroni', `Patroni ${versions.join(', ')}${from}`));
  else if (origin !== undefined) findings.push(info('patroni.origin', `Patroni comes from ${origin}`));
  return findings;
}
