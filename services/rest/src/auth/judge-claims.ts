/** Seconds by which clocks may differ; PostgREST's figure. */
const leeway = 30;

/**
 * Why these claims forbid the token now, in PostgREST's words; undefined: they do not. Claims that are absent or null are not judged (RFC 7519, 4.1).
 * `audience` null: any is welcome; an empty list of audiences is welcome too.
 */
export function judgeClaims(
  claims: Readonly<Record<string, unknown>>,
  audience: string | null,
  now: Date,
): string | undefined {
  const seconds = Math.floor(now.getTime() / 1000);
  return (
    judgeTime(claims.exp, 'exp', (time) => (time < seconds - leeway ? 'JWT expired' : undefined)) ??
    judgeTime(claims.nbf, 'nbf', (time) => (time > seconds + leeway ? 'JWT not yet valid' : undefined)) ??
    judgeTime(claims.iat, 'iat', (time) => (time > seconds + leeway ? 'JWT issued at future' : undefined)) ??
    judgeAudience(claims.aud, audience)
  );
}

function judgeTime(value: unknown, name: string, judge: (time: number) => string | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'number' ? judge(value) : `The JWT '${name}' claim must be a number`;
}

function judgeAudience(value: unknown, audience: string | null): string | undefined {
  if (value === undefined || value === null) return undefined;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (!list.every((entry) => typeof entry === 'string')) {
    return "The JWT 'aud' claim must be a string or an array of strings";
  }
  const isWelcome = audience === null || list.length === 0 || list.includes(audience);
  return isWelcome ? undefined : 'JWT not in audience';
}
