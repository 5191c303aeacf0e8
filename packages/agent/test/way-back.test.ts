import { describe, expect, it } from 'vitest';
import { WayBack } from '../src/way-back.js';

describe('the way back to a better one', () => {
  /** Hears every 100 ms what `at` gives for these seconds; answers the seconds at which it said to go. */
  function attempts(
    wayBack: WayBack,
    from: number,
    to: number,
    at: (seconds: number) => { answered: boolean; followed: boolean },
  ): readonly number[] {
    const found: number[] = [];
    for (let tenths = from * 10; tenths < to * 10; tenths++) {
      if (wayBack.heard({ ...at(tenths / 10), now: tenths * 100 })) found.push(tenths / 10);
    }
    return found;
  }
  const answers = () => ({ answered: true, followed: false });

  it('is taken once it has answered for a second', () => {
    expect(attempts(new WayBack(), 0, 2, answers)).toEqual([1]);
  });

  it('is not taken while others answer in between', () => {
    const mixed = (seconds: number) => ({ answered: seconds % 0.5 > 0.01, followed: false });
    expect(attempts(new WayBack(), 0, 10, mixed)).toEqual([]);
  });

  it('is tried less and less often where it leads nowhere', () => {
    expect(attempts(new WayBack(), 0, 200, answers)).toEqual([1, 3, 7, 15, 31, 63, 123, 183]);
  });

  it('is tried soon again where it held', () => {
    const wayBack = new WayBack();
    expect(attempts(wayBack, 0, 20, answers)).toEqual([1, 3, 7, 15]);
    expect(attempts(wayBack, 20, 31, () => ({ answered: true, followed: true }))).toEqual([]);
    expect(attempts(wayBack, 31, 40, answers)).toEqual([32, 34, 38]);
  });

  it('is not forgotten to lead nowhere by a moment on it', () => {
    const wayBack = new WayBack();
    attempts(wayBack, 0, 20, answers);
    attempts(wayBack, 20, 25, () => ({ answered: true, followed: true }));
    expect(attempts(wayBack, 25, 62, answers)).toEqual([31]);
  });
});
