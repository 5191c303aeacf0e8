import { randomBytes } from 'node:crypto';

/**
 * A transaction whose answer must not be committed fails in its own statement, so that it needs no second round trip: a number is made of text that
 * is none, and the message holds that text. It is secret and new in each process: nobody else's error is taken for one.
 */
const marker = `pgrst-${randomBytes(12).toString('hex')}`;

export type Guard =
  | { readonly kind: 'singular' }
  | { readonly kind: 'one' }
  | { readonly kind: 'most'; readonly rows: number };

/** NULL, or an error once the rows of the answer break the rule. */
export function guardSql(guard: Guard): string {
  const broken = guard.kind === 'most' ? `count(*) > ${guard.rows}` : 'count(*) <> 1';
  return `CASE WHEN ${broken} THEN ('${marker}:${guard.kind}:' || count(*))::int END`;
}

/** Which rule a database error stands for, and how many rows there were; undefined: it is another error. */
export function brokenGuard(error: unknown): { readonly kind: Guard['kind']; readonly rows: number } | undefined {
  if (!(error instanceof Error) || !('code' in error) || error.code !== '22P02') return undefined;
  const found = new RegExp(`${marker}:(singular|one|most):(\\d+)`).exec(error.message);
  return found === null ? undefined : { kind: found[1] as Guard['kind'], rows: Number(found[2]) };
}
