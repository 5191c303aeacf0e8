// Prints every error code of the sources, one a line, sorted: node scripts/list-errors.mjs
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
/** Codes that are put together in packages/components/src/errors.ts: what may stand in the middle (its type `Part`). */
const parts = ['ETCD', 'PATRONI', 'HAPROXY'];

const codes = new Set();
for (const text of sources()) {
  for (const [, code] of text.matchAll(/'(HF_[A-Z0-9_]+)'/g)) codes.add(code);
  for (const [whole, piece, end] of text.matchAll(/`HF_\$\{([^}]*)\}(_[A-Z0-9_]+)`/g)) {
    if (piece !== 'part.toUpperCase()') throw new Error(`What can ${whole} be? Say so in scripts/list-errors.mjs.`);
    for (const part of parts) codes.add(`HF_${part}${end}`);
  }
}
process.stdout.write(`${[...codes].sort().join('\n')}\n`);

function sources() {
  const folders = [
    ...['packages', 'services', 'apps'].flatMap((group) =>
      readdirSync(join(root, group)).map((name) => join(root, group, name, 'src')),
    ),
    join(root, 'chaos', 'src'),
  ];
  return folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => join(folder, name)))
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(path, 'utf8'));
}
