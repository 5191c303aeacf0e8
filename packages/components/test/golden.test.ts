import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { redactTemplate } from '@holdfast/spec';
import { describe, expect, it } from 'vitest';
import { type Plan, planCluster } from '../src/index.js';
import { exampleInput, exampleLayout, examples } from './example.js';

/** `UPDATE_GOLDEN=1 npx vitest run packages/components/test/golden.test.ts` writes them anew; read the difference. */
const update = process.env.UPDATE_GOLDEN === '1';
const golden = join(import.meta.dirname, 'golden');

describe.each(Object.entries(examples))('the plan of %s', (name, options) => {
  const rendered = renderPlan(planCluster(exampleInput(options)));

  it.each([...rendered])('has the golden %s', async (file, content) => {
    const path = join(golden, name, file);
    if (update) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
    }
    expect(content).toBe(await readFile(path, 'utf8'));
  });

  it('has no golden file that is no longer rendered', async () => {
    const entries = await readdir(join(golden, name), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    expect(files.map((entry) => relative(join(golden, name), join(entry.parentPath, entry.name))).sort()).toEqual(
      [...rendered.keys()].sort(),
    );
  });
});

function renderPlan(plan: Plan): ReadonlyMap<string, string> {
  const files = plan.units.flatMap((unit) =>
    unit.files.map(
      (file) =>
        [relative(join(exampleLayout().stateDirectory, 'units'), file.path), redactTemplate(file.content)] as const,
    ),
  );
  const shape = { ...plan, units: plan.units.map((unit) => ({ ...unit, files: unit.files.map(withoutContent) })) };
  return new Map([['plan.json', `${JSON.stringify(shape, null, 2)}\n`], ...files]);
}

function withoutContent({ content: _, ...file }: Plan['units'][number]['files'][number]): object {
  return file;
}
