import { expect, test } from 'vitest';
import { Bell } from '../src/bell.js';

test('a ring that nobody waited for ends the next wait, once', async () => {
  const bell = new Bell();
  bell.ring();
  bell.ring();
  const start = performance.now();
  await bell.wait(10_000);
  expect(performance.now() - start).toBeLessThan(5000);
  await bell.wait(20);
  expect(performance.now() - start).toBeGreaterThan(15);
});

test('a ring ends a wait', async () => {
  const bell = new Bell();
  const start = performance.now();
  setTimeout(() => bell.ring(), 10);
  await bell.wait(10_000);
  expect(performance.now() - start).toBeLessThan(5000);
});
