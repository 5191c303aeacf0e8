import type { EtcdKeyValue, EtcdStatus, HaproxyRow, PatroniCluster, PatroniState } from '@holdfast/components';
import type { UnitStatus } from '@holdfast/runtime';
import { HoldfastError } from '@holdfast/spec';

/** What one part answered, or why it did not. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T; readonly milliseconds: number }
  | { readonly ok: false; readonly reason: string };

/** Raw answers of all parts at about one moment, before anything is concluded from them. */
export interface Observation {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly units: Answer<readonly UnitStatus[]>;
  readonly patroni: readonly {
    readonly member: string;
    readonly url: string;
    readonly state: Answer<PatroniState>;
    readonly cluster: Answer<PatroniCluster>;
  }[];
  readonly etcd: readonly {
    readonly member: string;
    readonly url: string;
    readonly status: Answer<EtcdStatus>;
    readonly alarms: Answer<readonly string[]>;
    /** Patroni's keys of this cluster; a linearizable read, so it needs a quorum. */
    readonly keys: Answer<readonly EtcdKeyValue[]>;
  }[];
  readonly haproxy: Answer<readonly HaproxyRow[]>;
  /** Undefined: the cluster has no pooler. */
  readonly pooler: Answer<true> | undefined;
}

/**
 * Runs one question with a time limit and turns every failure into an Answer. The limit holds even when `ask` ignores
 * its signal, as a frozen part makes any client do.
 */
export async function answer<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  options: { readonly signal: AbortSignal; readonly timeoutMilliseconds: number },
): Promise<Answer<T>> {
  const limit = AbortSignal.timeout(options.timeoutMilliseconds);
  const both = AbortSignal.any([options.signal, limit]);
  const from = performance.now();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new Error(`no answer within ${options.timeoutMilliseconds} ms`));
    both.addEventListener('abort', onAbort, { once: true });
    if (both.aborted) onAbort();
  });
  try {
    const value = await Promise.race([ask(both), aborted]);
    return { ok: true, value, milliseconds: Math.round((performance.now() - from) * 100) / 100 };
  } catch (error) {
    if (limit.aborted) return { ok: false, reason: `no answer within ${options.timeoutMilliseconds} ms` };
    return { ok: false, reason: reasonOf(error) };
  } finally {
    if (onAbort) both.removeEventListener('abort', onAbort);
  }
}

/** One line; without an answer the cause says more (`connect ECONNREFUSED …`) than that there was none. */
function reasonOf(error: unknown): string {
  if (error instanceof HoldfastError && error.code.endsWith('_UNREACHABLE')) return error.detail ?? error.message;
  return error instanceof Error ? error.message : String(error);
}

/** The value, or undefined. */
export function valueIn<T>(given: Answer<T> | undefined): T | undefined {
  return given?.ok ? given.value : undefined;
}
