/*
 * The hints of PostgREST's errors come from a fuzzy set (Glaeser's FuzzySet.js, ported to Haskell): names are cut into pieces of three, then two
 * characters, compared as vectors, and the best fifty judged by edit distance. To give the same hints we follow the same measure.
 */

/** What Haskell's package takes as the least similarity. */
const leastScore = 0.33;

/** For names of tables and functions PostgREST wants more. */
export const leastNameScore = 0.75;

const mostJudged = 50;

export interface SimilarName {
  readonly name: string;
  /** 0 to 1; 1 is the same but for case. */
  readonly score: number;
}

/** The name most similar to `wanted`; of equals the one that comes first in the alphabet. */
export function mostSimilar(names: Iterable<string>, wanted: string, least = leastScore): SimilarName | undefined {
  const lower = wanted.toLowerCase();
  const entries = [...new Set(names)].map((name) => ({ name, lower: name.toLowerCase() }));
  const exact = entries.find((entry) => entry.lower === lower);
  if (exact !== undefined) return { name: exact.name, score: 1 };
  for (const size of [3, 2]) {
    const found = bySharedPieces(entries, lower, size).filter(({ score }) => score >= least);
    const best = found[0];
    if (best !== undefined) return best;
  }
  return undefined;
}

function bySharedPieces(
  entries: readonly { readonly name: string; readonly lower: string }[],
  wanted: string,
  size: number,
): readonly SimilarName[] {
  const pieces = countPieces(wanted, size);
  const own = lengthOf(pieces);
  return entries
    .flatMap((entry) => {
      const other = countPieces(entry.lower, size);
      let shared = 0;
      for (const [piece, count] of pieces) shared += count * (other.get(piece) ?? 0);
      return shared === 0 ? [] : [{ ...entry, cosine: shared / (own * lengthOf(other)) }];
    })
    .sort((left, right) => right.cosine - left.cosine || (left.name < right.name ? -1 : 1))
    .slice(0, mostJudged)
    .map(({ name, lower }) => ({
      name,
      score: 1 - editDistance(wanted, lower) / Math.max(wanted.length, lower.length),
    }))
    .sort((left, right) => right.score - left.score || (left.name < right.name ? -1 : 1));
}

/** Pieces of a name between two dashes; other characters than letters, digits, `_`, comma and space do not count. */
function countPieces(name: string, size: number): ReadonlyMap<string, number> {
  const text = `-${name.replaceAll(/[^\p{L}\p{N}_, ]+/gu, '')}-`.padEnd(size, '-');
  const counts = new Map<string, number>();
  for (let at = 0; at + size <= text.length; at += 1) {
    const piece = text.slice(at, at + size);
    counts.set(piece, (counts.get(piece) ?? 0) + 1);
  }
  return counts;
}

function lengthOf(counts: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const count of counts.values()) sum += count * count;
  return Math.sqrt(sum);
}

/** Levenshtein's. */
function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      const removed = (previous[column] ?? 0) + 1;
      const added = (current[column - 1] ?? 0) + 1;
      current.push(Math.min(replaced, removed, added));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}
