import type { ClusterView } from '../view/view.js';
import { error, type Finding, info, ok, showBytes, warning } from './finding.js';

/** A status call on one machine takes a few milliseconds; Patroni's and etcd's own timings assume no more. */
const slowMilliseconds = 100;

export function judgeEtcd(view: ClusterView): readonly Finding[] {
  const { etcd, spec } = view;
  const healthy = etcd.filter((member) => member.healthy).length;
  const quorum = Math.floor(etcd.length / 2) + 1;
  const findings: Finding[] = [];
  // To a pod the tunnel takes most of it.
  const isTold = spec.runtime !== 'kubernetes';
  if (healthy < quorum) {
    findings.push(
      error(
        'etcd.quorum',
        `only ${healthy} of ${etcd.length} etcd members are healthy, ${quorum} are needed: nothing can fail over, and without failsafe mode the primary stops`,
        'holdfast up starts what is down; holdfast logs etcd1 says why one does not start',
      ),
    );
  } else {
    findings.push(ok('etcd.quorum', `${healthy} of ${etcd.length} etcd members are healthy`));
  }
  for (const { name, healthy: fine, alarms, latencyMilliseconds, databaseBytes, clientUrl } of etcd) {
    const id = (what: string) => `etcd.${what}.${name}`;
    if (!fine && alarms.length === 0) {
      findings.push(warning(id('health'), `${name} is not healthy`, `holdfast logs ${name}; holdfast up`));
    }
    for (const alarm of alarms) {
      const remedy =
        alarm === 'NOSPACE'
          ? `etcdctl --endpoints=${clientUrl} defrag, then etcdctl --endpoints=${clientUrl} alarm disarm; raise etcd.quota in holdfast.yaml if it comes back`
          : `etcdctl --endpoints=${clientUrl} alarm list; a corrupt member is rebuilt: holdfast down, move its data folder away, holdfast up`;
      findings.push(error(id('alarm'), `${name} has raised ${alarm}, etcd refuses writes`, remedy));
    }
    if (isTold && latencyMilliseconds !== undefined && latencyMilliseconds > slowMilliseconds) {
      findings.push(
        warning(
          id('latency'),
          `${name} took ${Math.round(latencyMilliseconds)} ms to answer`,
          'Look for a busy disk or processor (iostat -x 1, top): etcd writes every change to disk before it answers',
        ),
      );
    }
    if (databaseBytes !== undefined && databaseBytes > 0.8 * spec.etcd.quotaBytes) {
      findings.push(
        warning(
          id('size'),
          `the database of ${name} has ${showBytes(databaseBytes)} of ${showBytes(spec.etcd.quotaBytes)}; at the limit etcd refuses writes`,
          `etcdctl --endpoints=${clientUrl} defrag`,
        ),
      );
    }
  }
  const leaders = etcd.filter(({ isLeader }) => isLeader).map(({ name }) => name);
  if (leaders.length > 1) {
    findings.push(
      warning(
        'etcd.leader',
        `${leaders.join(' and ')} both say they lead etcd`,
        'Look again; holdfast logs etcd1 if it stays so',
      ),
    );
  }
  if (spec.runtime === 'process' && etcd.length > 1) {
    findings.push(
      info(
        'etcd.placement',
        'all members, etcd and the database, share this machine: the cluster survives a dead process, not a dead machine',
      ),
    );
  }
  return findings;
}
