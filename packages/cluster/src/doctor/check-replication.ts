import type { ClusterView, MemberView } from '../view/view.js';
import { error, type Finding, info, ok, showBytes, warning } from './finding.js';

/** Leader, lag, timelines, synchronous standby, restarts that are waited for, pause. */
export function judgeReplication(view: ClusterView): readonly Finding[] {
  const { spec, leader } = view;
  const findings: Finding[] = [];
  if (leader === undefined) {
    findings.push(
      error(
        'leader',
        'the cluster has no leader',
        'holdfast status; holdfast failover --to NAME when it does not elect one',
      ),
    );
  }
  for (const member of view.members) findings.push(...judgeMember(view, member));
  if (spec.synchronous.mode !== 'off' && spec.members.length > 1 && view.synchronousStandbys.length === 0) {
    const consequence =
      spec.synchronous.mode === 'strict'
        ? 'commits wait until there is one'
        : 'a failure now may lose acknowledged writes';
    findings.push(
      warning(
        'synchronous',
        `there is no synchronous standby: ${consequence}`,
        'holdfast status: bring a replica back to streaming',
      ),
    );
  }
  if (view.paused) {
    findings.push(warning('pause', 'automatic failover is paused', 'holdfast resume'));
  }
  if (findings.every(({ severity }) => severity === 'info')) {
    findings.push(ok('replication', `${leader} leads, everybody else streams from it`));
  }
  return findings;
}

function judgeMember(view: ClusterView, member: MemberView): readonly Finding[] {
  const { name, state, lagBytes, timeline } = member;
  const findings: Finding[] = [];
  const limit = view.spec.patroni.maximumLagOnFailover;
  const follows = name !== view.leader && state !== 'unreachable';
  if (follows && state !== 'streaming') {
    findings.push(
      warning(
        `replication.${name}`,
        `${name} is ${state}, not streaming`,
        `holdfast logs ${name}; holdfast reinit ${name} when it cannot catch up`,
      ),
    );
  }
  if (lagBytes !== undefined && lagBytes > limit) {
    findings.push(
      warning(
        `lag.${name}`,
        `${name} lags ${showBytes(lagBytes)} behind, more than the ${showBytes(limit)} with which it may become primary`,
        `Look at the load of its disk; holdfast reinit ${name} when it does not catch up`,
      ),
    );
  }
  if (follows && timeline !== undefined && view.timeline !== undefined && timeline !== view.timeline) {
    findings.push(
      warning(
        `timeline.${name}`,
        `${name} is on timeline ${timeline}, the leader on ${view.timeline}`,
        `holdfast logs ${name} (pg_rewind should bring it back); else holdfast reinit ${name}`,
      ),
    );
  }
  if (member.pendingRestart) {
    findings.push(
      info(`restart.${name}`, `a changed setting of ${name} waits for a restart`, `holdfast restart ${name}`),
    );
  }
  return findings;
}
