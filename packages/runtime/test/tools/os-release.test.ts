import { expect, test } from 'vitest';
import { parseOsRelease } from '../../src/process/tools/os-release.js';

test('Debian', () => {
  const text = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n';
  expect(parseOsRelease(text)).toEqual({
    id: 'debian',
    codename: 'bookworm',
    name: 'Debian GNU/Linux 12 (bookworm)',
    hasApt: true,
  });
});

test('Ubuntu', () => {
  const text = "NAME='Ubuntu'\nID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\nPRETTY_NAME='Ubuntu 24.04.1 LTS'\n";
  expect(parseOsRelease(text)).toEqual({ id: 'ubuntu', codename: 'noble', name: 'Ubuntu 24.04.1 LTS', hasApt: true });
});

test.each([
  ['linuxmint', 'ubuntu debian', true],
  ['fedora', '', false],
  ['rocky', 'rhel centos fedora', false],
  ['notdebian', 'almostdebian', false],
])('%s, like "%s": apt %s', (id, like, hasApt) => {
  expect(parseOsRelease(`ID="${id}"\nID_LIKE="${like}"\n`).hasApt).toBe(hasApt);
});

test('comments, blank lines and other text are passed over', () => {
  const text = '# ID=debian\n\n  ID=arch  \nnonsense\nPRETTY_NAME=""\n';
  expect(parseOsRelease(text)).toMatchObject({ id: 'arch', codename: undefined, hasApt: false });
});

test('nothing known', () => {
  expect(parseOsRelease('')).toEqual({ id: 'unknown', codename: undefined, name: 'unknown', hasApt: false });
});
