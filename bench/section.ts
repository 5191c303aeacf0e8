/** What one benchmark found: a table for people, and the same in numbers for programs. */
export interface Section {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What the reader must know to judge the numbers. */
  readonly notes: readonly string[];
  readonly data: unknown;
}

/** What a benchmark gets. */
export interface BenchOptions {
  /** As few and as short runs as show that everything works; the numbers mean nothing. */
  readonly quick: boolean;
  readonly signal: AbortSignal;
  /** Told what is being done, for people. */
  readonly progress: (text: string) => void;
}

export function renderSection({ title, head, rows, notes }: Section): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const ruler = line(head.map((_, column) => (column === 0 ? '---' : '---:')));
  const table = [line(head), ruler, ...rows.map(line)].join('\n');
  return [`**${title}**`, table, ...(notes.length === 0 ? [] : [notes.map((note) => `- ${note}`).join('\n')])].join(
    '\n\n',
  );
}
