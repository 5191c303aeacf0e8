// Puts each program, and all it imports, into one file. Those that run as a unit must run where their account cannot enter this folder, in
// containers, and unchanged while this folder is updated; all of them start in a third of the time that hundreds of small files take.
import { renameSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { rolldown } from 'rolldown';

const programs = [
  { input: 'packages/agent/dist/main.js', file: 'packages/agent/dist/agent.mjs' },
  { input: 'packages/net-worker/dist/main.js', file: 'packages/net-worker/dist/net.mjs' },
  { input: 'services/gateway/dist/main.js', file: 'services/gateway/dist/api.mjs' },
  { input: 'packages/runtime/dist/process/supervisor/main.js', file: 'packages/runtime/dist/supervisor.mjs' },
  { input: 'apps/cli/dist/main.js', file: 'apps/cli/dist/holdfast.mjs' },
];

/** A module that looks for something beside itself still finds it there. */
const keepOwnUrls = (file) => ({
  name: 'keep-own-urls',
  transform(code, id) {
    if (id.includes('/node_modules/') || !code.includes('import.meta.url')) return null;
    const own = JSON.stringify(relative(dirname(file), id));
    return code.replaceAll('import.meta.url', `new URL(${own}, import.meta.url).href`);
  },
});

for (const { input, file } of programs) {
  const bundle = await rolldown({
    input,
    platform: 'node',
    plugins: [keepOwnUrls(resolve(file))],
    // Not bundled: what is only there on some machines (of pg, of pg-delta), and what loads a file beside itself.
    external: ['pg-native', '@supabase/pg-topo', 'libpg-query', '@node-rs/argon2', '@node-rs/bcrypt'],
    logLevel: 'warn',
  });
  const partial = `${file}.partial`;
  await bundle.write({
    file: partial,
    format: 'esm',
    codeSplitting: false,
    // White space alone: names in a stack trace stay.
    minify: { mangle: false, compress: false, codegen: true },
    banner: '#!/usr/bin/env node',
  });
  await bundle.close();
  renameSync(partial, file);
}
