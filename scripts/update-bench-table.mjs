// Puts the tables of `npm run bench` between <!-- bench:start --> and <!-- bench:end --> in README.md:
//   npm run --silent bench > bench.md && node scripts/update-bench-table.mjs bench.md
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [start, end] = ['<!-- bench:start -->', '<!-- bench:end -->'];
const readme = fileURLToPath(new URL('../README.md', import.meta.url));

function fail(message) {
  console.error(message);
  process.exit(1);
}

const file = process.argv[2] ?? fail('Usage: node scripts/update-bench-table.mjs FILE');
const tables = readFileSync(file, 'utf8').trim();
if (!tables.includes('| --- |') || tables.includes('A quick trial'))
  fail(`${file} holds no tables of a full benchmark.`);
const text = readFileSync(readme, 'utf8');
const [from, to] = [text.indexOf(start), text.indexOf(end)];
if (from < 0 || to < from) fail(`README.md has no ${start} … ${end}.`);
writeFileSync(readme, `${text.slice(0, from + start.length)}\n\n${tables}\n\n${text.slice(to)}`);
console.log('README.md has the new tables.');
