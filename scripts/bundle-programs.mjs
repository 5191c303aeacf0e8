// Puts each program that runs as a unit, and all it imports, into one file: it runs where the account that it runs as cannot enter this folder,
// in containers, and unchanged while this folder is updated.
import { renameSync } from 'node:fs';
import { rolldown } from 'rolldown';

for (const [folder, name] of [
  ['packages/agent', 'agent'],
  ['packages/net-worker', 'net'],
]) {
  const bundle = await rolldown({
    input: `${folder}/dist/main.js`,
    platform: 'node',
    // pg would load this optional module if it were there.
    external: ['pg-native'],
    logLevel: 'warn',
  });
  const partial = `${folder}/dist/.${name}.mjs`;
  await bundle.write({ file: partial, format: 'esm', codeSplitting: false, banner: '#!/usr/bin/env node' });
  await bundle.close();
  renameSync(partial, `${folder}/dist/${name}.mjs`);
}
