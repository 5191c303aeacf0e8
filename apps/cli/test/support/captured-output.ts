import { vi } from 'vitest';

export interface CapturedOutput extends Disposable {
  readonly stdout: string;
  readonly stderr: string;
}

/** What this process writes, kept instead of shown until disposed. */
export function captureOutput(): CapturedOutput {
  let stdout = '';
  let stderr = '';
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
  return {
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    [Symbol.dispose]() {
      out.mockRestore();
      err.mockRestore();
    },
  };
}

/** Without colours. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour sequences begin with ESC
  return text.replace(/\x1b\[[0-9;]*m/g, '');
}
