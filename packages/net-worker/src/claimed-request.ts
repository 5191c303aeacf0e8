/** A row of net._claim_requests: a request that is this worker's to make. */
export interface ClaimedRequest {
  readonly id: string;
  /** Of this claim; another one of the same request has another. */
  readonly token: string;
  /** This one counted: 1 unless a worker was lost. */
  readonly attempts: number;
  readonly method: string;
  /** Null, as are headers and body, when it is larger than what was asked for. */
  readonly url: string | null;
  readonly headers: Readonly<Record<string, string>> | null;
  readonly body: Buffer | null;
  readonly timeoutMilliseconds: number;
  /** Bytes of all three. */
  readonly size: number;
}

/** What became of it. */
export type Outcome =
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** As they came: name, value, name, value. */
      readonly rawHeaders: readonly string[];
      readonly body: Buffer;
    }
  | { readonly kind: 'failed'; readonly timedOut: boolean; readonly message: string };

export function failed(message: string): Outcome {
  return { kind: 'failed', timedOut: false, message };
}
