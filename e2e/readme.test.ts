import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createThrowAwayFolder, runProgram, type ThrowAwayFolder } from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = await readFile(join(root, 'README.md'), 'utf8');

/** Every line of the README's `sh` blocks, in order. */
const commands = [...readme.matchAll(/^```sh\n(.*?)^```/gms)]
  .flatMap((block) => (block[1] ?? '').split('\n'))
  .map((line) => line.replace(/\s+#.*$/, '').trim())
  .filter((line) => line !== '');

let folder: ThrowAwayFolder;

beforeAll(async () => {
  folder = await createThrowAwayFolder();
  await symlink(join(root, 'holdfast'), join(folder.path, 'holdfast'));
  // The default ports may be in use on this machine; nothing else differs from what a reader does.
  await writeFile(join(folder.path, 'holdfast.yaml'), 'ports: auto\nresources:\n  memory: 1GiB\n');
});

afterAll(async () => {
  await folder?.[Symbol.asyncDispose]();
});

describe('the README', () => {
  test('opens with the two commands', () => {
    expect(commands[0]).toBe('./holdfast up');
    const head = readme.split('\n').slice(0, 15).join('\n');
    expect(head).toContain('./holdfast up');
    expect(head).toContain('npm test');
    expect(commands.length).toBeGreaterThan(6);
  });

  test.each(commands)('%s', async (command) => {
    const result = await runProgram('sh', ['-c', command], { cwd: folder.path, timeoutMilliseconds: 180_000 });
    expect(result, `${result.stdout}\n${result.stderr}`).toMatchObject({ code: 0 });
  });
});
