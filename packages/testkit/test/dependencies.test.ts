import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Who may use whom; ARCHITECTURE.md shows it as a picture. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'packages/spec': [],
  'packages/keys': ['spec'],
  'packages/postgres': ['spec'],
  'packages/http': ['spec'],
  'packages/migrations': ['spec', 'postgres'],
  'packages/components': ['spec'],
  'packages/runtime': ['spec', 'components'],
  'packages/agent': ['spec', 'components', 'postgres'],
  'packages/net-worker': ['components', 'postgres'],
  'packages/cluster': ['spec', 'keys', 'components', 'runtime', 'postgres', 'migrations'],
  'packages/testkit': ['spec', 'components', 'runtime', 'cluster', 'postgres'],
  'services/rest': ['spec', 'keys', 'postgres', 'http'],
  'services/auth': ['spec', 'keys', 'postgres', 'http'],
  'services/gateway': ['spec', 'keys', 'postgres', 'http', 'rest', 'auth'],
  chaos: ['spec', 'components', 'runtime', 'cluster', 'postgres'],
  'apps/cli': ['spec', 'keys', 'components', 'runtime', 'cluster', 'postgres', 'migrations', 'chaos'],
};

const workspaces = [
  'chaos',
  ...['packages', 'services', 'apps'].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => `${folder}/${name}`),
  ),
];

const sources = (folder: string): readonly string[] =>
  readdirSync(join(root, folder, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));

const importsOf = (file: string): readonly string[] =>
  [...readFileSync(file, 'utf8').matchAll(/(?:from|import\(|^import)\s*'([^']+)'/gm)].map((match) => match[1] ?? '');

describe('dependencies between packages', () => {
  it('are declared for every workspace', () => {
    expect([...workspaces].sort()).toEqual(Object.keys(allowed).sort());
  });

  it.each(workspaces)('%s uses only what stands below it, through its public entries, and declares it', (workspace) => {
    const manifest = JSON.parse(readFileSync(join(root, workspace, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    const declared = Object.keys(manifest.dependencies ?? {});
    for (const file of sources(workspace)) {
      for (const specifier of importsOf(file)) {
        const where = `${relative(root, file)} imports ${specifier}`;
        if (specifier.startsWith('.')) {
          const target = relative(join(root, workspace, 'src'), resolve(file, '..', specifier));
          expect(target.startsWith('..'), where).toBe(false);
        } else if (specifier.startsWith('@holdfast/')) {
          expect(allowed[workspace], where).toContain(specifier.split('/')[1]);
          expect(declared, where).toContain(specifier.split('/').slice(0, 2).join('/'));
        } else if (!specifier.startsWith('node:')) {
          const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0];
          expect(declared, where).toContain(name);
        }
      }
    }
  });

  it('has no declared dependency that no source uses', () => {
    for (const workspace of workspaces) {
      const manifest = JSON.parse(readFileSync(join(root, workspace, 'package.json'), 'utf8')) as {
        dependencies?: Record<string, string>;
      };
      const used = sources(workspace).flatMap(importsOf);
      for (const name of Object.keys(manifest.dependencies ?? {}).filter((each) => !each.startsWith('@types/'))) {
        expect(
          used.some((specifier) => specifier === name || specifier.startsWith(`${name}/`)),
          `${workspace}: ${name}`,
        ).toBe(true);
      }
    }
  });
});
