import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const script = (...argv: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { cwd: root, encoding: 'utf8' });
  return { status, stdout, stderr };
};

test('the reference pages of the spec and the commands are those of the code', () => {
  expect(script('scripts/write-reference.mjs', '--check')).toMatchObject({ status: 0 });
});

test('the reference page of errors has every code, and no other', () => {
  const codes = (text: string) => [...new Set(text.match(/\bHF_[A-Z0-9_]+\b/g) ?? [])].sort();
  const { status, stdout } = script('scripts/list-errors.mjs');
  expect(status).toBe(0);
  expect(codes(readFileSync(`${root}/docs/reference/errors.md`, 'utf8'))).toEqual(codes(stdout));
});
