import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { nativePackageFiles } from '../../src/process/tools/native-packages.js';

const bundle = fileURLToPath(new URL('../../../../services/gateway/dist/api.mjs', import.meta.url));

test('the bundle of the API runs with nothing beside it but its native packages', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-native-'));
  try {
    const program = join(folder, 'api.mjs');
    copyFileSync(bundle, program);
    for (const { name, path } of nativePackageFiles(bundle)) {
      const target = join(folder, 'node_modules', name);
      mkdirSync(dirname(target), { recursive: true });
      copyFileSync(path, target);
    }
    const { status, stderr } = spawnSync(process.execPath, [program], { cwd: folder, encoding: 'utf8' });
    // It is loaded whole before it misses its argument.
    expect(stderr).toBe('Usage: api.mjs CONFIGURATION\n');
    expect(status).toBe(2);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
