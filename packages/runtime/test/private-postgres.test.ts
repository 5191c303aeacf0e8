import { expect, test } from 'vitest';
import { ownerOfFolder } from '../src/process/private-postgres/folders.js';

test('a folder says whose it is', () => {
  expect(ownerOfFolder('holdfast-shadow-123-456789-aB3xYz')).toEqual({ pid: 123, startTime: 456789 });
});

test.each([
  'holdfast-shadow-123-aB3xYz',
  'holdfast-shadow-1-2-aB3xYz-mine',
  'my-holdfast-shadow-1-2-aB3xYz',
  'holdfast-test-abc',
])('%s is not one of them', (name) => {
  expect(ownerOfFolder(name)).toBeUndefined();
});
