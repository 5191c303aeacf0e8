/** Begins as curl's own text does, which pg_net records; then what Node.js says. Pure. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // All addresses of a name that has several were tried.
  const [cause = error] = error instanceof AggregateError ? (error.errors as readonly Error[]) : [];
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const detail = cause.message === '' ? code : cause.message;
  if (['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'ENODATA'].includes(code)) return `Couldn't resolve host name: ${detail}`;
  if (['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EADDRNOTAVAIL'].includes(code))
    return `Couldn't connect to server: ${detail}`;
  return detail;
}

/** In pg_net's words. Times are performance.now(); what was not reached is undefined. Pure. */
export function describeTimeout(
  milliseconds: number,
  times: {
    readonly since: number;
    readonly lookedUp: number | undefined;
    readonly ready: number | undefined;
    readonly now: number;
  },
): string {
  const { since, now } = times;
  const lookedUp = times.lookedUp ?? (times.ready === undefined ? now : since);
  const ready = times.ready ?? now;
  const show = (from: number, to: number) => `${Math.max(0, to - from).toFixed(3)} ms`;
  const phases = [
    `DNS time: ${show(since, lookedUp)}`,
    `TCP/SSL handshake time: ${show(lookedUp, ready)}`,
    `HTTP Request/Response time: ${show(ready, now)}`,
  ];
  return `Timeout of ${milliseconds} ms reached. Total time: ${show(since, now)} (${phases.join(', ')})`;
}
