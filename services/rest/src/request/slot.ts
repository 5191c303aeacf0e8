/** Stands in a plan where a value of the request belongs: the plan then serves all requests that differ in such values alone. */
export class Slot {
  /** @param at The value's place among those that each request brings. */
  constructor(readonly at: number) {}
}

/** Text of the request, or where it will stand. */
export type Value = string | Slot;

/** A statement's values with the request's own in their slots. Throws where a slot has none, which is a fault of ours. */
export function fillSlots(
  values: readonly (Value | Buffer | null)[],
  given: readonly (string | null)[],
): readonly (string | Buffer | null)[] {
  return values.map((value) => {
    if (!(value instanceof Slot)) return value;
    const own = given[value.at];
    if (own === undefined) throw new Error(`the request brings no value for slot ${value.at} of its plan`);
    return own;
  });
}
