/** One JSON document a line on stderr. Never what a request or an answer holds: they are the database's users'. */
export function logEvent(event: string, details: Readonly<Record<string, unknown>> = {}): void {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...details })}\n`);
}
