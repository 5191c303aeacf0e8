/** The session's own tag where it is a known one, else the first of the known. '' without tags. */
export function sessionTag(tag: string | null, known: readonly string[]): string {
  return known.find((each) => each === tag) ?? known[0] ?? '';
}
