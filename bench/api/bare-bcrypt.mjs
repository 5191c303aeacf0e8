// What bcrypt alone does: node bare-bcrypt.mjs SECONDS prints comparisons a second at cost 10, 16 at a time.
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../services/auth/package.json', import.meta.url));
const { compare, hash } = require('@node-rs/bcrypt');
const seconds = Number(process.argv[2]);
const stored = await hash('correct horse battery', { cost: 10 });
const began = performance.now();
const end = began + seconds * 1000;
let count = 0;
await Promise.all(
  Array.from({ length: 16 }, async () => {
    while (performance.now() < end) {
      await compare('correct horse battery', stored);
      count += 1;
    }
  }),
);
// Those that were under way at the end are counted, and so is the time that they took.
process.stdout.write(String((count * 1000) / (performance.now() - began)));
