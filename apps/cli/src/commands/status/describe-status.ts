import type { StatusReport } from '@holdfast/cluster';
import pc from 'picocolors';
import { renderTable } from '../../terminal/table.js';

/** The whole report for people. */
export function describeStatus(report: StatusReport): string {
  if (nothingRuns(report)) return `${pc.bold(report.cluster)} is stopped. Start it with: holdfast up`;
  const colour = report.health === 'healthy' ? pc.green : report.health === 'degraded' ? pc.yellow : pc.red;
  const head = `${pc.bold(report.cluster)}  ${colour(report.health)}${report.reasons.length === 0 ? '' : `: ${report.reasons.join('; ')}`}`;
  const facts = [
    `PostgreSQL ${report.postgres.version ?? 'unknown'}`,
    `Patroni ${report.patroni.version ?? 'unknown'}${report.patroni.origin === null ? '' : ` (${report.patroni.origin})`}`,
    `synchronous mode ${report.synchronous.mode}${report.synchronous.standbys.length === 0 ? '' : `: ${report.synchronous.standbys.join(', ')}`}`,
    describeKeeper(report),
  ];
  const parts = [
    `${head}\n${pc.dim(facts.join(' · '))}`,
    describeMembers(report),
    describeEtcd(report),
    describeProxies(report),
    describeEndpoints(report),
  ];
  if (report.unknown.length > 0)
    parts.push(`${pc.yellow('Unknown:')}\n${report.unknown.map((line) => `  ${line}`).join('\n')}`);
  return parts.join('\n\n');
}

function describeKeeper({ runtime, supervisor }: StatusReport): string {
  if (runtime !== 'process') return `runtime ${runtime}`;
  return `supervisor ${supervisor.alive === true ? `pid ${supervisor.pid}` : 'not running'}`;
}

/** Not one process of the cluster, and nobody to start one. */
function nothingRuns({ supervisor, members, etcd, proxies }: StatusReport): boolean {
  const pids = [
    ...members.flatMap((member) => [member.pids.patroni, member.pids.postgres, member.pids.agent]),
    ...etcd.map(({ pid }) => pid),
    ...proxies.map(({ pid }) => pid),
  ];
  return supervisor.alive === false && pids.every((pid) => pid === null);
}

export function describeMembers(report: StatusReport): string {
  return renderTable(
    ['MEMBER', 'ROLE', 'STATE', 'TIMELINE', 'LAG', 'ADDRESS', 'PATRONI', 'PIDS'],
    report.members.map((member) => [
      member.name,
      member.role === 'primary' ? pc.bold(member.role) : member.role,
      (member.state === 'running' || member.state === 'streaming' ? pc.green : pc.yellow)(member.state) +
        (member.pendingRestart === true ? pc.yellow(' (restart pending)') : ''),
      orUnknown(member.timeline),
      member.lagBytes === null ? '?' : formatBytes(member.lagBytes),
      `${member.host}:${member.port}`,
      member.patroniUrl,
      `${[member.pids.patroni, member.pids.postgres].map(orUnknown).join(', ')}${member.pids.agent === null ? '' : `, ${member.pids.agent}`}`,
    ]),
  );
}

function describeEtcd(report: StatusReport): string {
  return renderTable(
    ['ETCD', 'HEALTH', 'ROLE', 'ADDRESS', 'PID'],
    report.etcd.map(({ name, healthy, isLeader, clientUrl, pid }) => [
      name,
      healthy ? pc.green('healthy') : pc.red('unhealthy'),
      isLeader === null ? '?' : isLeader ? 'leader' : 'follower',
      clientUrl,
      orUnknown(pid),
    ]),
  );
}

function describeProxies(report: StatusReport): string {
  return renderTable(
    ['PROXY', 'HEALTH', 'ADDRESS', 'PID'],
    report.proxies.map(({ name, healthy, host, port, pid }) => [
      name,
      healthy ? pc.green('healthy') : pc.red('unreachable'),
      `${host}:${port}`,
      orUnknown(pid),
    ]),
  );
}

function describeEndpoints(report: StatusReport): string {
  const { readWrite, readOnly, pooler, api, haproxyStats } = report.endpoints;
  return renderTable(
    ['ENDPOINT', 'ADDRESS'],
    [
      ['read-write', readWrite],
      ['read-only', readOnly],
      ...(pooler === null ? [] : [['pooler', pooler]]),
      ...(api === null ? [] : [['Supabase API', api]]),
      ['statistics', haproxyStats],
    ],
  );
}

function orUnknown(value: number | null): string {
  return value === null ? '?' : String(value);
}

/** `0 B`, `16 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ''}`;
}
