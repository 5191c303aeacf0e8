import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ensureKeys, readKeys } from '../src/state/keys-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hf-keys-'));
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

it('are made once, for their owner only, and found again', async () => {
  expect(await readKeys(folder)).toBeUndefined();
  const keys = await ensureKeys(folder);
  expect((await stat(join(folder, 'keys.json'))).mode & 0o777).toBe(0o600);
  expect(await ensureKeys(folder)).toEqual(keys);
  expect(await readKeys(folder)).toEqual(keys);
  expect(await readdir(folder)).toEqual(['keys.json']);
});

it.each(['', '{}', '{"version": 1', 'null'])('damaged ones (%j) are an error and stay as they are', async (text) => {
  await writeFile(join(folder, 'keys.json'), text);
  await expect(readKeys(folder)).rejects.toMatchObject({ code: 'HF_KEYS_DAMAGED' });
  await expect(ensureKeys(folder)).rejects.toMatchObject({ code: 'HF_KEYS_DAMAGED' });
  expect(await readFile(join(folder, 'keys.json'), 'utf8')).toBe(text);
});
