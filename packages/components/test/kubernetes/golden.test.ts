import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderKubernetes } from '../../src/index.js';
import { builtImages, examples, kubernetesSpec } from './examples.js';

/** `UPDATE_GOLDEN=1 npx vitest run packages/components/test/kubernetes/golden.test.ts` writes them anew; read the difference. */
const update = process.env.UPDATE_GOLDEN === '1';
const golden = join(import.meta.dirname, 'golden');

describe.each(Object.entries(examples))('the folder of %s', (name, text) => {
  const files = renderKubernetes(kubernetesSpec(text), builtImages);

  it.each(files.map((file) => [file.path, file] as const))('has the golden %s', async (path, { content }) => {
    const target = join(golden, name, path);
    if (update) {
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, content);
    }
    expect(content).toBe(await readFile(target, 'utf8'));
  });

  it('has no golden file that is no longer rendered', async () => {
    const entries = await readdir(join(golden, name), { recursive: true, withFileTypes: true });
    const found = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    expect(found.map((path) => relative(join(golden, name), path)).sort()).toEqual(
      files.map(({ path }) => path).sort(),
    );
  });

  it('is the same when rendered again', () =>
    expect(renderKubernetes(kubernetesSpec(text), builtImages)).toEqual(files));
});
