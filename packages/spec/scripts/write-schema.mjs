// Writes holdfast.schema.json; run after a build: node packages/spec/scripts/write-schema.mjs
import { writeFileSync } from 'node:fs';
import { renderJsonSchema } from '../dist/index.js';

writeFileSync(new URL('../holdfast.schema.json', import.meta.url), renderJsonSchema());
