import { readOnlyBackend, readWriteBackend } from '../view/build-view.js';
import { isUp } from '../view/status.js';
import type { ClusterView } from '../view/view.js';
import { error, type Finding, ok, warning } from './finding.js';

/** HAProxy's view of the members against ours: exactly the leader is up behind the read-write port. */
export function judgeHaproxy(view: ClusterView): readonly Finding[] {
  const haproxy = view.proxies.find(({ component }) => component === 'haproxy');
  const findings: Finding[] = [];
  for (const { name, healthy, host, port } of view.proxies) {
    if (healthy) continue;
    findings.push(
      error(`proxy.${name}`, `${name} (${host}:${port}) does not answer`, `holdfast logs ${name}; holdfast up`),
    );
  }
  if (!haproxy?.healthy || haproxy.servers.length === 0) return findings;
  const up = (backend: string) =>
    haproxy.servers.filter((row) => row.backend === backend && isUp(row.status)).map(({ server }) => server);
  const primaries = up(readWriteBackend);
  if (primaries.length > 1) {
    findings.push(
      error(
        'haproxy.primary',
        `HAProxy takes ${primaries.join(' and ')} for primaries and may send writes to a wrong one`,
        `holdfast status says who leads; stop the other: holdfast restart ${primaries.find((name) => name !== view.leader) ?? primaries[0]}`,
      ),
    );
  } else if (primaries.length === 0) {
    findings.push(
      error(
        'haproxy.primary',
        view.leader === undefined
          ? 'HAProxy has no primary to send clients to, and there is no leader'
          : `HAProxy does not reach the leader ${view.leader}`,
        `holdfast status; holdfast logs ${view.leader ?? 'haproxy'}`,
      ),
    );
  } else if (view.leader !== undefined && primaries[0] !== view.leader) {
    findings.push(
      error(
        'haproxy.primary',
        `HAProxy sends writes to ${primaries[0]}, but ${view.leader} is the leader`,
        'Look again in a second; if it stays so: holdfast logs haproxy',
      ),
    );
  }
  const replicas = new Set(up(readOnlyBackend));
  for (const { name, state } of view.members) {
    if (state !== 'streaming' || replicas.has(name)) continue;
    findings.push(
      warning(
        `haproxy.replica.${name}`,
        `${name} streams, but HAProxy does not send reads to it`,
        `Look again in a second; if it stays so: holdfast logs haproxy`,
      ),
    );
  }
  if (findings.length > 0) return findings;
  return [
    ok('haproxy', `HAProxy sends writes to ${primaries[0]}, reads to ${[...replicas].join(', ') || 'the primary'}`),
  ];
}
