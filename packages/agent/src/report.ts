import type { AgentReport, PostgresState } from './view.js';

const states: readonly string[] = ['primary', 'standby', 'crashed', 'stopped', 'unknown'] satisfies PostgresState[];

/** A report as another agent sent it; undefined: it is none. */
export function readReport(line: string): AgentReport | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const report = value as Partial<Record<keyof AgentReport, unknown>>;
  const whole =
    typeof report.member === 'string' &&
    typeof report.sequence === 'number' &&
    typeof report.postgres === 'string' &&
    states.includes(report.postgres) &&
    typeof report.patroni === 'boolean' &&
    typeof report.position === 'number' &&
    (report.leader === undefined || isLeader(report.leader)) &&
    Array.isArray(report.silent) &&
    report.silent.every((name) => typeof name === 'string') &&
    (report.suspects === undefined || typeof report.suspects === 'string') &&
    (report.stream === undefined || typeof report.stream === 'string') &&
    typeof report.heard === 'object' &&
    report.heard !== null &&
    Object.values(report.heard).every((sequence) => typeof sequence === 'number');
  return whole ? (report as AgentReport) : undefined;
}

function isLeader(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'name' in value && 'revision' in value;
}
