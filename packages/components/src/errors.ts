import { HoldfastError } from '@holdfast/spec';

/** Parts that have a client. */
export type Part = 'etcd' | 'patroni' | 'haproxy';

const names: Record<Part, string> = { etcd: 'etcd', patroni: 'Patroni', haproxy: 'HAProxy' };

/** HF_ETCD_UNREACHABLE, HF_PATRONI_UNREACHABLE, HF_HAPROXY_UNREACHABLE: no answer, or none in time. */
export function unreachable(part: Part, url: string, cause: unknown): HoldfastError {
  const detail = cause instanceof Error ? cause.message : undefined;
  return new HoldfastError({
    code: `HF_${part.toUpperCase()}_UNREACHABLE`,
    message: `${names[part]} at ${url} did not answer.`,
    ...(detail === undefined || detail === '' ? {} : { detail }),
    suggestion: 'See what runs with `holdfast ps`, and its log with `holdfast logs`.',
    cause,
  });
}

/** HF_ETCD_REFUSED, HF_PATRONI_REFUSED, HF_HAPROXY_REFUSED: the answer was an error. `answer` is its text. */
export function refused(part: Part, url: string, request: string, status: number, answer: string): HoldfastError {
  return new HoldfastError({
    code: `HF_${part.toUpperCase()}_REFUSED`,
    message: `${names[part]} at ${url} refused ${request} with status ${status}.`,
    detail: answer.trim().slice(0, 2000),
  });
}

/** HF_…_ANSWER: the answer is not what this part's documentation promises. */
export function unexpectedAnswer(part: Part, url: string, request: string, what: string): HoldfastError {
  return new HoldfastError({
    code: `HF_${part.toUpperCase()}_ANSWER`,
    message: `${names[part]} at ${url} answered ${request} with something else than expected.`,
    detail: what,
    suggestion: 'Is something else listening at this address?',
  });
}
