/** One JSON document a line on stderr: what happened, when by the clock on the wall and by the monotonic one (milliseconds). */
export function logEvent(event: string, details: Readonly<Record<string, unknown>> = {}): void {
  const monotonic = Math.round(Number(process.hrtime.bigint() / 1000n)) / 1000;
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), monotonic, event, ...details })}\n`);
}

export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const detail = 'detail' in error && typeof error.detail === 'string' ? ` ${error.detail}` : '';
  return `${error.message}${detail}`;
}
