import { describe, expect, it } from 'vitest';
import { measureGaps, type WriteHistory } from '../failover/history.js';

/** Writes as `[begun, acknowledged, server, connection]`. */
function history(
  writes: readonly (readonly [number, number, string, number?])[],
  more: Partial<WriteHistory> = {},
): WriteHistory {
  const servers = [...new Set(writes.map(([, , server]) => server))];
  return {
    ids: writes.map((_, index) => index),
    begun: writes.map(([begun]) => begun),
    acknowledged: writes.map(([, acknowledged]) => acknowledged),
    connections: writes.map(([, , , connection]) => connection ?? 0),
    server: writes.map(([, , server]) => servers.indexOf(server)),
    servers,
    errors: [],
    connects: [],
    started: 0,
    stopped: Math.max(0, ...writes.map(([, acknowledged]) => acknowledged)),
    ...more,
  };
}

describe('measureGaps', () => {
  it('counts from before the first signal to the acknowledgement of a write begun after the last one', () => {
    const seen = history([
      [90, 95, 'a'],
      [105, 110, 'b'],
      [600, 640, 'b'],
    ]);
    expect(measureGaps(seen, { begun: 100, struck: 102 }).gapMilliseconds).toBe(10);
  });

  it('does not take an answer that was on its way for the next one', () => {
    const seen = history([
      [96, 101.5, 'a'],
      [101, 103, 'a'],
      [600, 640, 'b'],
    ]);
    expect(measureGaps(seen, { begun: 100, struck: 102 }).gapMilliseconds).toBe(540);
  });

  it('says that no write came back', () => {
    const seen = history([[90, 95, 'a']], { stopped: 5000, errors: [{ at: 200, message: 'refused' }] });
    expect(measureGaps(seen, { begun: 100, struck: 102 })).toEqual({
      gapMilliseconds: undefined,
      longestMilliseconds: 4900,
      errors: 1,
      servers: [],
      serverBefore: 'a',
    });
  });

  it('sees a second gap, longer than the first', () => {
    const seen = history([
      [90, 95, 'a'],
      [300, 310, 'b'],
      [311, 1311, 'b'],
      [1312, 1313, 'b'],
    ]);
    const gaps = measureGaps(seen, { begun: 100, struck: 102 });
    expect(gaps.gapMilliseconds).toBe(210);
    expect(gaps.longestMilliseconds).toBe(1001);
  });

  it('takes a stall from the last acknowledgement before the fault', () => {
    const seen = history([
      [90, 95, 'a'],
      [96, 896, 'a'],
      [897, 898, 'a'],
    ]);
    const gaps = measureGaps(seen, { begun: 100, struck: 102 });
    expect(gaps.longestMilliseconds).toBe(801);
    expect(gaps.errors).toBe(0);
  });

  it('looks at each connection by itself', () => {
    const others = Array.from({ length: 100 }, (_, index) => [index * 10, index * 10 + 9, 'a', 0] as const);
    const seen = history(
      [...others, [95, 99, 'a', 1] as const, [103, 999, 'a', 1] as const].toSorted((a, b) => a[1] - b[1]),
    );
    expect(measureGaps(seen, { begun: 100, struck: 100 }).longestMilliseconds).toBe(900);
  });

  it('tells who acknowledged, and does not count errors from before the fault', () => {
    const seen = history(
      [
        [90, 95, 'a'],
        [300, 310, 'b'],
        [311, 320, 'b'],
        [330, 340, 'a'],
      ],
      {
        errors: [
          { at: 50, message: 'x' },
          { at: 150, message: 'y' },
        ],
      },
    );
    const gaps = measureGaps(seen, { begun: 100, struck: 102 });
    expect(gaps.servers).toEqual(['b', 'a']);
    expect(gaps.serverBefore).toBe('a');
    expect(gaps.errors).toBe(1);
  });
});
