/** PostgREST's wildcard for `like` and `ilike` is `*`, which needs no encoding in a URL (PostgREST, Tables and Views, Operators). Pure. */
export function patternText(value: string): string {
  return value.replaceAll('*', '%');
}
