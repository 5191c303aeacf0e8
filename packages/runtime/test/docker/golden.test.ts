import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dockerFolders } from '../../src/index.js';
import { dockerExample, examples } from './example.js';

/** `UPDATE_GOLDEN=1 npx vitest run packages/runtime/test/docker/golden.test.ts` writes them anew; read the difference. */
const update = process.env.UPDATE_GOLDEN === '1';
const golden = join(import.meta.dirname, 'golden');

describe.each(Object.entries(examples))('the rendered folder of %s', (name, text) => {
  const { plan, settings } = dockerExample(text);
  const files = dockerFolders({ plan, settings, context: [] });

  it.each(files.map(({ path, content }) => [path, content] as const))('has the golden %s', async (path, content) => {
    const target = join(golden, name, path);
    if (update) {
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, content);
    }
    expect(content).toBe(await readFile(target, 'utf8'));
  });

  it('has no golden file that is no longer rendered', async () => {
    const entries = await readdir(join(golden, name), { recursive: true, withFileTypes: true });
    const found = entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(join(golden, name), join(entry.parentPath, entry.name)));
    expect(found.sort()).toEqual(files.map(({ path }) => path).sort());
  });
});
