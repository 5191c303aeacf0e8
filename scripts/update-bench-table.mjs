// Puts the tables of a benchmark between its markers in README.md, <!-- bench:start --> … <!-- bench:end -->, <!-- failover:start --> … or <!-- api:start --> …:
//   npm run --silent bench > bench.md && node scripts/update-bench-table.mjs bench.md
//   npm run --silent bench:failover > failover.md && node scripts/update-bench-table.mjs failover.md
//   npm run --silent bench:api > api.md && node scripts/update-bench-table.mjs api.md
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const readme = fileURLToPath(new URL('../README.md', import.meta.url));

function fail(message) {
  console.error(message);
  process.exit(1);
}

const file = process.argv[2] ?? fail('Usage: node scripts/update-bench-table.mjs FILE');
const tables = readFileSync(file, 'utf8').trim();
// The last line of each says what it was measured by.
const command = /by `npm run (bench(?::failover|:api)?)`: /.exec(tables)?.[1];
if (
  !tables.includes('| --- |') ||
  command === undefined ||
  /A quick trial|Without agents|ended early: interrupted/.test(tables)
)
  fail(`${file} holds no tables of a full benchmark.`);
const name = command.split(':').at(-1);
const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
const text = readFileSync(readme, 'utf8');
const [from, to] = [text.indexOf(start), text.indexOf(end)];
if (from < 0 || to < from) fail(`README.md has no ${start} … ${end}.`);
writeFileSync(readme, `${text.slice(0, from + start.length)}\n\n${tables}\n\n${text.slice(to)}`);
console.log('README.md has the new tables.');
