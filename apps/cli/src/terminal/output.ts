import type { Progress } from '@holdfast/cluster';
import { HoldfastError } from '@holdfast/spec';
import pc from 'picocolors';

/**
 * Where a command's words go. The result goes to standard output (one JSON document with --json), everything that only accompanies it to
 * standard error, so that `holdfast … | jq` and `"$(holdfast url rw)"` just work.
 */
export interface Output {
  readonly json: boolean;
  /** Progress of work that takes over a second: a line that changes on a terminal, plain lines elsewhere. */
  readonly progress: Progress;
  /** The command's result: `document` with --json, else `text`. Call once. */
  result(document: unknown, text: string): void;
  /** Something the reader should know, on standard error. */
  note(text: string): void;
  error(error: unknown, debug: boolean): void;
  /** Ends the progress line. */
  finish(): void;
}

export function createOutput(json: boolean): Output {
  const line = new ProgressLine(process.stderr.isTTY === true && !json);
  return {
    json,
    progress: {
      step: (text) => line.step(text),
      note: (text) => line.note(text),
    },
    result(document, text) {
      line.finish();
      if (json) process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
      else if (text !== '') process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    },
    note(text) {
      line.finish();
      process.stderr.write(`${text}\n`);
    },
    error(error, debug) {
      line.finish();
      if (json) process.stdout.write(`${JSON.stringify({ error: errorDocument(error) }, null, 2)}\n`);
      process.stderr.write(`${describeError(error, debug)}\n`);
    },
    finish: () => line.finish(),
  };
}

function errorDocument(error: unknown): unknown {
  if (error instanceof HoldfastError) return error.toJSON();
  return { code: 'HF_INTERNAL', message: error instanceof Error ? error.message : String(error) };
}

function describeError(error: unknown, debug: boolean): string {
  const lines: string[] = [];
  if (error instanceof HoldfastError) {
    lines.push(`${pc.red('error')} ${error.message} ${pc.dim(`(${error.code})`)}`);
    if (error.detail !== undefined && error.detail !== '') lines.push(indent(error.detail));
    if (error.suggestion !== undefined) lines.push(`${pc.cyan('what to do:')} ${error.suggestion}`);
  } else {
    lines.push(
      `${pc.red('error')} ${error instanceof Error ? error.message : String(error)} ${pc.dim('(HF_INTERNAL)')}`,
    );
    lines.push(
      `${pc.cyan('what to do:')} This is a defect of Holdfast. Run it again with --debug and report what it prints.`,
    );
  }
  if (debug) lines.push(debugText(error));
  return lines.join('\n');
}

function debugText(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const cause = error.cause === undefined ? '' : `\ncaused by ${debugText(error.cause) || String(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

export function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** One line at the bottom that shows the current step and how long it has taken. */
class ProgressLine {
  private timer: NodeJS.Timeout | undefined;
  private current: { readonly text: string; readonly since: number } | undefined;
  private frame = 0;

  constructor(private readonly animated: boolean) {}

  step(text: string): void {
    this.complete();
    this.current = { text, since: performance.now() };
    if (!this.animated) {
      process.stderr.write(`${text}\n`);
      return;
    }
    this.timer = setInterval(() => this.draw(), 100);
    this.timer.unref();
    this.draw();
  }

  note(text: string): void {
    if (!this.animated) {
      process.stderr.write(`  ${text}\n`);
      return;
    }
    process.stderr.write(`\r\x1b[K  ${pc.dim(text.slice(0, (process.stderr.columns ?? 80) - 4))}\n`);
    if (this.current !== undefined) this.draw();
  }

  finish(): void {
    this.complete();
    this.current = undefined;
  }

  private complete(): void {
    clearInterval(this.timer);
    if (this.current === undefined || !this.animated) return;
    process.stderr.write(`\r\x1b[K${pc.green('✔')} ${this.current.text} ${pc.dim(this.elapsed())}\n`);
  }

  private draw(): void {
    if (this.current === undefined) return;
    this.frame = (this.frame + 1) % frames.length;
    process.stderr.write(`\r\x1b[K${pc.cyan(frames[this.frame] ?? '')} ${this.current.text} ${pc.dim(this.elapsed())}`);
  }

  private elapsed(): string {
    return this.current === undefined ? '' : `${((performance.now() - this.current.since) / 1000).toFixed(1)} s`;
  }
}
