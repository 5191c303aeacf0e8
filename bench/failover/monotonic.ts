/** Milliseconds of CLOCK_MONOTONIC, which all processes of a machine share: times of several processes can be compared. */
export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
