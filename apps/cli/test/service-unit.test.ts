import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { renderServiceUnit, type ServiceUnitInput } from '../src/commands/install-service/service-unit.js';

const simple: ServiceUnitInput = {
  cluster: 'shop',
  node: '/usr/bin/node',
  cli: '/opt/holdfast/main.js',
  specFile: '/srv/shop/holdfast.yaml',
  workingDirectory: '/srv/shop',
};

function setting(text: string, name: string): string | undefined {
  return text
    .split('\n')
    .find((line) => line.startsWith(`${name}=`))
    ?.slice(name.length + 1);
}

/** systemd.service(5), "Command lines", as far as we use it: double quotes with C escapes, `%%` and `$$`. */
function readCommandLine(line: string): readonly string[] {
  const words = line.match(/"(?:[^"\\]|\\.)*"|[^\s"]+/g) ?? [];
  return words.map((word) =>
    (word.startsWith('"') ? word.slice(1, -1).replace(/\\(.)/g, '$1') : word)
      .replaceAll('%%', '%')
      .replaceAll('$$', '$'),
  );
}

test('starts the supervisor, and stops everything in order', () => {
  const text = renderServiceUnit(simple);
  expect(setting(text, 'ExecStart')).toBe('/usr/bin/node /opt/holdfast/main.js supervise -f /srv/shop/holdfast.yaml');
  expect(setting(text, 'ExecStop')).toBe('/usr/bin/node /opt/holdfast/main.js down -f /srv/shop/holdfast.yaml');
  expect(setting(text, 'WorkingDirectory')).toBe('/srv/shop');
  expect(setting(text, 'KillMode')).toBe('process');
  expect(setting(text, 'Restart')).toBe('on-failure');
  expect(setting(text, 'WantedBy')).toBe('multi-user.target');
});

test('without a spec file, the folder says which cluster', () => {
  const text = renderServiceUnit({ ...simple, specFile: undefined });
  expect(setting(text, 'ExecStart')).toBe('/usr/bin/node /opt/holdfast/main.js supervise');
  expect(setting(text, 'WorkingDirectory')).toBe('/srv/shop');
});

describe.each([
  ['a space', 'my shop', '"/srv/my shop/h.yaml"', '/srv/my shop'],
  ['a percent sign', '50%n', '/srv/50%%n/h.yaml', '/srv/50%%n'],
  ['a dollar', '$HOME', '"/srv/$$HOME/h.yaml"', '/srv/$HOME'],
  ['a dollar and braces', `\${USER}`, `"/srv/$$\{USER}/h.yaml"`, `/srv/\${USER}`],
  ['a double quote', 'a"b', '"/srv/a\\"b/h.yaml"', '/srv/a"b'],
  ['a single quote', "a'b", '"/srv/a\'b/h.yaml"', "/srv/a'b"],
  ['a backslash', 'a\\nb', '"/srv/a\\\\nb/h.yaml"', '/srv/a\\nb'],
  ['a semicolon', 'a ; b', '"/srv/a ; b/h.yaml"', '/srv/a ; b'],
])('%s in a path', (_what, folder, quoted, workingDirectory) => {
  const input = { ...simple, specFile: `/srv/${folder}/h.yaml`, workingDirectory: `/srv/${folder}` };
  const text = renderServiceUnit(input);

  test('is quoted', () => {
    expect(setting(text, 'ExecStart')).toBe(`/usr/bin/node /opt/holdfast/main.js supervise -f ${quoted}`);
    expect(setting(text, 'WorkingDirectory')).toBe(workingDirectory);
  });

  test('is read back as it was', () => {
    expect(readCommandLine(setting(text, 'ExecStart') ?? '')).toEqual([
      input.node,
      input.cli,
      'supervise',
      '-f',
      input.specFile,
    ]);
  });
});

/** Only its own parser knows; the paths of the programs exist, so that nothing but the text can be wrong. */
test
  .skipIf(spawnSync('systemd-analyze', ['--version']).status !== 0)
  .each(['plain', 'my shop', '50%n', '$HOME', `a"b'c\\nd`])('systemd takes a unit for the folder %s', (name) => {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-service-'));
  try {
    const workingDirectory = join(directory, name);
    mkdirSync(workingDirectory);
    const cli = join(workingDirectory, 'main.js');
    const specFile = join(workingDirectory, 'holdfast.yaml');
    const text = renderServiceUnit({ cluster: 'shop', node: process.execPath, cli, specFile, workingDirectory });
    const verify = (unit: string) => {
      const file = join(directory, 'holdfast-shop.service');
      writeFileSync(file, unit);
      return spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8', timeout: 20_000 });
    };
    const accepted = verify(text);
    expect(`${accepted.stdout}${accepted.stderr}`).not.toContain('holdfast-shop');
    expect(accepted.status).toBe(0);
    const refused = verify(text.replace(/^ExecStart=.*$/m, 'ExecStart=/usr/bin/env "open'));
    expect(refused.stderr).toContain('holdfast-shop.service');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
