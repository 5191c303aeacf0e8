/** Something wrong at a place in the spec, before it is known on which line that is. */
export interface Problem {
  /** Keys and indexes from the top, or from the checked value, down. */
  readonly path: readonly PropertyKey[];
  readonly problem: string;
  readonly suggestion: string;
}
