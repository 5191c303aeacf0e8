const mask = 0xffff_ffff_ffff_ffffn;

/** Bytes that are absorbed at once: 1600 bits of state less twice the 256 of the result. */
const rate = 136;

const roundConstants = makeRoundConstants();

/** By the linear feedback shift register of FIPS 202, 3.2.5. */
function makeRoundConstants(): readonly bigint[] {
  let register = 1;
  return Array.from({ length: 24 }, () => {
    let constant = 0n;
    for (let bit = 0; bit < 7; bit += 1) {
      if ((register & 1) === 1) constant |= 1n << BigInt(2 ** bit - 1);
      register = (register << 1) ^ (register >> 7 === 1 ? 0x171 : 0);
    }
    return constant;
  });
}

function rotate(lane: bigint, by: number): bigint {
  const shift = BigInt(by % 64);
  return ((lane << shift) | (lane >> (64n - shift))) & mask;
}

const at = (lanes: readonly bigint[], index: number): bigint => lanes[index] ?? 0n;

/** Keccak-f[1600] (FIPS 202, 3.3), on 25 lanes of 64 bits; lane x, y is number x + 5 y. */
function permute(state: bigint[]): void {
  for (const constant of roundConstants) {
    const parity = Array.from({ length: 5 }, (_, x) =>
      [0, 5, 10, 15, 20].reduce((sum, row) => sum ^ at(state, x + row), 0n),
    );
    for (let index = 0; index < 25; index += 1) {
      const x = index % 5;
      state[index] = at(state, index) ^ at(parity, (x + 4) % 5) ^ rotate(at(parity, (x + 1) % 5), 1);
    }
    let [x, y, current] = [1, 0, at(state, 1)];
    for (let step = 0; step < 24; step += 1) {
      [x, y] = [y, (2 * x + 3 * y) % 5];
      const next = at(state, x + 5 * y);
      state[x + 5 * y] = rotate(current, ((step + 1) * (step + 2)) / 2);
      current = next;
    }
    for (let row = 0; row < 25; row += 5) {
      const line = state.slice(row, row + 5);
      for (let column = 0; column < 5; column += 1) {
        state[row + column] = at(line, column) ^ (~at(line, (column + 1) % 5) & mask & at(line, (column + 2) % 5));
      }
    }
    state[0] = at(state, 0) ^ constant;
  }
}

/**
 * Keccak-256 as Ethereum uses it: SHA-3 before its padding was changed, which was 0x01 and became 0x06. Node.js has only the latter. For public
 * data.
 */
export function keccak256(message: Uint8Array, padding = 0x01): Uint8Array {
  const padded = new Uint8Array((Math.floor(message.length / rate) + 1) * rate);
  padded.set(message);
  padded[message.length] = (padded[message.length] ?? 0) ^ padding;
  padded[padded.length - 1] = (padded[padded.length - 1] ?? 0) ^ 0x80;
  const view = new DataView(padded.buffer);
  const state: bigint[] = new Array<bigint>(25).fill(0n);
  for (let block = 0; block < padded.length; block += rate) {
    for (let lane = 0; lane < rate / 8; lane += 1) {
      state[lane] = at(state, lane) ^ view.getBigUint64(block + lane * 8, true);
    }
    permute(state);
  }
  const result = new Uint8Array(32);
  const output = new DataView(result.buffer);
  for (let lane = 0; lane < 4; lane += 1) output.setBigUint64(lane * 8, at(state, lane), true);
  return result;
}
