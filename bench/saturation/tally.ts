export interface AgentTally {
  /** Times that some agent had a reason to take the lock from its holder. */
  readonly suspicions: number;
  /** Times that the lock was taken. */
  readonly failovers: number;
  /** Times that a primary was stopped. */
  readonly fenced: number;
  /** Times that a gate which was open closed. */
  readonly gatesClosed: number;
  /** WAL senders of standbys that were taken for silent. */
  readonly sendersEnded: number;
}

export interface SaturationResult extends AgentTally {
  readonly minutes: number;
  readonly cores: number;
  /** The mean of the load average of one minute. */
  readonly load: number;
  readonly transactions: number;
  readonly failedTransactions: number;
  /** The same member, on the same timeline. */
  readonly samePrimary: boolean;
}

/** Counts what agents logged from a moment on (ISO 8601, UTC); each log is one agent's, a JSON document a line. Pure. */
export function tallyEvents(logs: readonly string[], from: string): AgentTally {
  const tally = { suspicions: 0, failovers: 0, fenced: 0, gatesClosed: 0, sendersEnded: 0 };
  for (const log of logs) {
    let open = false;
    for (const line of log.split('\n')) {
      const entry = parse(line);
      if (entry === undefined) continue;
      const counts = entry.time >= from;
      if (entry.event === 'gate-opened') open = true;
      if (entry.event === 'gate-closed') {
        if (open && counts) tally.gatesClosed++;
        open = false;
      }
      if (!counts) continue;
      if (entry.event === 'suspicion') tally.suspicions++;
      if (entry.event === 'sealed') tally.failovers++;
      if (entry.event === 'fenced') tally.fenced++;
      if (entry.event === 'end-wal-sender') tally.sendersEnded++;
    }
  }
  return tally;
}

function parse(line: string): { readonly time: string; readonly event: string } | undefined {
  const start = line.indexOf('{');
  if (start < 0) return undefined;
  try {
    const value = JSON.parse(line.slice(start)) as { readonly time?: unknown; readonly event?: unknown };
    return typeof value.time === 'string' && typeof value.event === 'string'
      ? { time: value.time, event: value.event }
      : undefined;
  } catch {
    return undefined;
  }
}

export function describeSaturation(result: SaturationResult): string {
  return [
    `${result.minutes} minutes, ${result.cores} cores, mean load ${result.load.toFixed(1)}`,
    `pgbench: ${result.transactions} transactions, ${result.failedTransactions} failed`,
    `primary: ${result.samePrimary ? 'the same on the same timeline' : 'ANOTHER'}`,
    `agents: ${result.suspicions} suspicions, ${result.failovers} failovers, ${result.fenced} fenced, ${result.gatesClosed} gates closed, ${result.sendersEnded} WAL senders ended`,
    '',
  ].join('\n');
}
