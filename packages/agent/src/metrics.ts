import type { Action } from './decide.js';

type Counted = Action['kind'] | 'seal-failed' | 'gate-opened' | 'gate-closed';

/** Counters since the agent started. */
export class Metrics {
  readonly #counts = new Map<Counted, number>();

  count(what: Counted): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  /** Prometheus' text format 0.0.4, with gauges of the moment. */
  render(member: string, gauges: Readonly<Record<string, number>>): string {
    const label = `member="${member}"`;
    const kinds: readonly Counted[] = [
      'seal',
      'seal-failed',
      'catch-up',
      'release',
      'end-wal-sender',
      'wake-patroni',
      'fence',
      'move-etcd-leader',
      'gate-opened',
      'gate-closed',
    ];
    return [
      '# HELP holdfast_agent_actions_total What the agent has done since it started.',
      '# TYPE holdfast_agent_actions_total counter',
      ...kinds.map((kind) => `holdfast_agent_actions_total{${label},action="${kind}"} ${this.#counts.get(kind) ?? 0}`),
      ...Object.entries(gauges).flatMap(([name, value]) => [
        `# TYPE holdfast_agent_${name} gauge`,
        `holdfast_agent_${name}{${label}} ${value}`,
      ]),
      '',
    ].join('\n');
  }
}
