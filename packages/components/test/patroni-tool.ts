import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout, PatroniTool } from '../src/index.js';
import { exampleLayout } from './example.js';

/** Folder that holds `usr/bin/patroni` and `usr/lib/python3/dist-packages`. */
const root = process.env.HOLDFAST_TEST_PATRONI_ROOT;

/** Why tests that need Patroni are skipped here; undefined: they are not. */
export const patroniMissing =
  root === undefined
    ? 'HOLDFAST_TEST_PATRONI_ROOT is not set'
    : existsSync(join(root, 'usr/bin/patroni'))
      ? undefined
      : `${root} holds no Patroni`;

/** The example's layout with the Patroni of this machine. */
export function layoutWithPatroni(stateDirectory: string): Layout {
  const layout = exampleLayout(stateDirectory);
  const at = (path: string) => join(root ?? '/', path);
  const patroni: PatroniTool = {
    ...layout.tools.patroni,
    argv: ['/usr/bin/python3', at('usr/bin/patroni')],
    ctlArgv: ['/usr/bin/python3', at('usr/bin/patronictl')],
    env: { PYTHONPATH: at('usr/lib/python3/dist-packages') },
  };
  return { ...layout, tools: { ...layout.tools, patroni } };
}
