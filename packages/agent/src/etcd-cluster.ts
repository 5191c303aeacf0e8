import type { EtcdClient } from '@holdfast/components';
import { timeLimit } from '@holdfast/spec';

/** Without an answer for so long the next member is asked as well. */
const hedgeMilliseconds = 80;
const avoidMilliseconds = 3000;

/**
 * Asks the members of etcd in the order given, those that were slow lately last: the next is asked too when one is slow, and at once when one
 * fails; the first answer counts. Only for what may safely be done twice: reads, and transactions that are guarded.
 */
export class EtcdCluster {
  readonly members: readonly EtcdClient[];
  /** Until when, in performance.now(), a member is asked after the others. */
  readonly #avoided = new Map<EtcdClient, number>();

  constructor(members: readonly EtcdClient[]) {
    this.members = members;
  }

  /** It was slow, or did not answer. */
  avoid(client: EtcdClient): void {
    this.#avoided.set(client, performance.now() + avoidMilliseconds);
  }

  /** Throws the last member's error when none answered within `timeoutMilliseconds`. `preferred` is asked first, however it did lately. */
  async ask<Answer>(
    question: (client: EtcdClient, signal: AbortSignal) => Promise<Answer>,
    timeoutMilliseconds: number,
    signal: AbortSignal,
    preferred?: EtcdClient,
  ): Promise<Answer> {
    const done = new AbortController();
    const limit = timeLimit(AbortSignal.any([signal, done.signal]), timeoutMilliseconds);
    const now = performance.now();
    const isAvoided = (client: EtcdClient) => (this.#avoided.get(client) ?? 0) > now;
    const rank = (client: EtcdClient) => (client === preferred ? -1 : Number(isAvoided(client)));
    const order = [...this.members].sort((one, other) => rank(one) - rank(other));
    try {
      return await new Promise<Answer>((resolve, reject) => {
        let asked = 0;
        let failed = 0;
        let timer: NodeJS.Timeout | undefined;
        const askNext = () => {
          clearTimeout(timer);
          const client = order[asked];
          if (client === undefined) return;
          asked++;
          question(client, limit).then(
            (answer) => {
              clearTimeout(timer);
              resolve(answer);
            },
            (error: unknown) => {
              failed++;
              // That the caller gave up is not its fault.
              if (!done.signal.aborted && !signal.aborted) this.avoid(client);
              if (failed === this.members.length || limit.aborted) {
                clearTimeout(timer);
                reject(error instanceof Error ? error : new Error(String(error)));
              } else askNext();
            },
          );
          timer = setTimeout(() => {
            this.avoid(client);
            askNext();
          }, hedgeMilliseconds);
        };
        askNext();
      });
    } finally {
      done.abort();
    }
  }
}
