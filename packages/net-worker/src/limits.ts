const MiB = 2 ** 20;

/** What a worker takes on at most. As in pg_net where that has a bound: 200 requests at a time (its `batch_size`). */
export const limits = {
  requests: 200,
  /** A request: its URL, headers and body. */
  requestBytes: 4 * MiB,
  /** All requests that are under way. */
  requestsBytes: 32 * MiB,
  /** The body of an answer. */
  answerBytes: 4 * MiB,
  /** Up to this a body counts for nothing: all of them at a time are few. */
  smallAnswerBytes: 65_536,
  /** Of the others, all that are being read or wait to be recorded. */
  largeAnswersBytes: 64 * MiB,
  /** All headers of an answer; also what Node.js reads by itself. */
  headerBytes: 16_384,
  timeoutMilliseconds: 300_000,
  /** curl's own limit since 8.3. */
  redirects: 30,
  /** A request whose worker was lost so often is not made once more. */
  attempts: 3,
  /** From when a request is over until another worker takes it for lost. */
  graceMilliseconds: 30_000,
} as const;
