/** The bounds of a histogram's buckets, seconds. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

type Labels = Readonly<Record<string, string>>;

interface Series {
  readonly labels: string;
  count: number;
  sum: number;
  /** Per bound, not added up. */
  readonly buckets: number[];
}

/**
 * Counters, gauges and histograms in Prometheus' text format, version 0.0.4. What a label may hold must come from a small set: a label for each
 * user or path would grow without end, so there is a bound, and what is beyond it is counted under `other`.
 */
export class Metrics {
  readonly #counters = new Map<string, { readonly help: string; readonly series: Map<string, Series> }>();
  readonly #histograms = new Map<string, { readonly help: string; readonly series: Map<string, Series> }>();
  readonly #gauges = new Map<string, { readonly help: string; readonly read: () => number }>();
  readonly #seriesAtMost: number;
  /** Labels as text: callers that keep their objects have them made once. */
  readonly #rendered = new WeakMap<Labels, string>();

  constructor(seriesAtMost = 1000) {
    this.#seriesAtMost = seriesAtMost;
  }

  count(name: string, help: string, labels: Labels = {}): void {
    this.#series(this.#counters, name, help, labels).count += 1;
  }

  /** Seconds. */
  observe(name: string, help: string, labels: Labels, seconds: number): void {
    const series = this.#series(this.#histograms, name, help, labels);
    series.count += 1;
    series.sum += seconds;
    const index = bounds.findIndex((bound) => seconds <= bound);
    if (index >= 0) series.buckets[index] = (series.buckets[index] ?? 0) + 1;
  }

  /** Asked whenever metrics are read. */
  gauge(name: string, help: string, read: () => number): void {
    this.#gauges.set(name, { help, read });
  }

  render(): string {
    const lines: string[] = [];
    for (const [name, { help, series }] of this.#counters) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} counter`);
      for (const { labels, count } of series.values()) lines.push(`${name}${braces(labels)} ${count}`);
    }
    for (const [name, { help, read }] of this.#gauges) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${read()}`);
    }
    for (const [name, { help, series }] of this.#histograms) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} histogram`);
      for (const each of series.values()) lines.push(...renderHistogram(name, each));
    }
    return `${lines.join('\n')}\n`;
  }

  #series(
    kind: Map<string, { readonly help: string; readonly series: Map<string, Series> }>,
    name: string,
    help: string,
    labels: Labels,
  ): Series {
    let metric = kind.get(name);
    if (metric === undefined) {
      metric = { help, series: new Map() };
      kind.set(name, metric);
    }
    let wanted = this.#rendered.get(labels);
    if (wanted === undefined) {
      wanted = renderLabels(labels);
      this.#rendered.set(labels, wanted);
    }
    const full = metric.series.size >= this.#seriesAtMost && !metric.series.has(wanted);
    const key = full ? renderLabels(Object.fromEntries(Object.keys(labels).map((label) => [label, 'other']))) : wanted;
    let series = metric.series.get(key);
    if (series === undefined) {
      series = { labels: key, count: 0, sum: 0, buckets: [] };
      metric.series.set(key, series);
    }
    return series;
  }
}

function renderHistogram(name: string, { labels, count, sum, buckets }: Series): readonly string[] {
  let total = 0;
  const lines = bounds.map((bound, index) => {
    total += buckets[index] ?? 0;
    return `${name}_bucket${braces(join(labels, `le="${bound}"`))} ${total}`;
  });
  return [
    ...lines,
    `${name}_bucket${braces(join(labels, 'le="+Inf"'))} ${count}`,
    `${name}_sum${braces(labels)} ${sum}`,
    `${name}_count${braces(labels)} ${count}`,
  ];
}

function renderLabels(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`))}"`)
    .join(',');
}

function braces(labels: string): string {
  return labels === '' ? '' : `{${labels}}`;
}

function join(...labels: readonly string[]): string {
  return labels.filter((label) => label !== '').join(',');
}
