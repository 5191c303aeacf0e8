import { expect, test } from 'vitest';
import { ByteBudget } from '../src/byte-budget.js';

const never = new AbortController().signal;
const settled = async (promise: Promise<unknown>) =>
  await Promise.race([promise.then(() => true), new Promise((resolve) => setTimeout(resolve, 5, false))]);

test('who needs more than there is waits for it, in order', async () => {
  const budget = new ByteBudget(10);
  await budget.take(8, never);
  const large = budget.take(5, never);
  const small = budget.take(1, never);
  expect(await settled(large)).toBe(false);
  expect(await settled(small)).toBe(false);
  budget.give(3);
  expect(await settled(large)).toBe(true);
  expect(await settled(small)).toBe(false);
  budget.give(5);
  expect(await settled(small)).toBe(true);
});

test('who gives up lets the next one go', async () => {
  const budget = new ByteBudget(10);
  await budget.take(8, never);
  const abort = new AbortController();
  const large = budget.take(5, abort.signal);
  const small = budget.take(2, never);
  abort.abort(new Error('no longer'));
  await expect(large).rejects.toThrow('no longer');
  expect(await settled(small)).toBe(true);
});
