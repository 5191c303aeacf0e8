export interface BucketOptions {
  /** How many at once, and how many in an interval. 0: none at all. */
  readonly capacity: number;
  readonly intervalMilliseconds: number;
}

/** One bucket a key: a call takes a token, and tokens come back evenly. */
export interface TokenBuckets {
  /** Takes a token; 0 when there was one, else milliseconds until there is. */
  take(key: string, now: number): number;
  readonly size: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** As many keys as are remembered; whoever comes with more addresses than that meets fresh buckets. */
const mostKeys = 50_000;

export function createTokenBuckets({ capacity, intervalMilliseconds }: BucketOptions): TokenBuckets {
  const buckets = new Map<string, Bucket>();
  const rate = capacity / intervalMilliseconds;

  function forgetFull(now: number): void {
    for (const [key, bucket] of buckets) {
      if (bucket.tokens + (now - bucket.at) * rate >= capacity) buckets.delete(key);
    }
    // Nobody is full: the oldest go, since a flood of addresses must not fill the memory.
    for (const key of buckets.keys()) {
      if (buckets.size < mostKeys) break;
      buckets.delete(key);
    }
  }

  return {
    take(key, now) {
      if (capacity <= 0) return intervalMilliseconds;
      const known = buckets.get(key);
      if (known === undefined && buckets.size >= mostKeys) forgetFull(now);
      const bucket = known ?? { tokens: capacity, at: now };
      if (known === undefined) buckets.set(key, bucket);
      bucket.tokens = Math.min(capacity, bucket.tokens + Math.max(0, now - bucket.at) * rate);
      bucket.at = now;
      if (bucket.tokens < 1) return Math.max(1, Math.ceil((1 - bucket.tokens) / rate));
      bucket.tokens -= 1;
      return 0;
    },
    get size() {
      return buckets.size;
    },
  };
}
