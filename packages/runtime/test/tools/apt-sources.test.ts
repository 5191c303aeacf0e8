import { describe, expect, test } from 'vitest';
import { findMirror } from '../../src/process/tools/apt-sources.js';

const mirror = 'http://deb.example.org/debian';
const list = (text: string) => findMirror([{ name: '/etc/apt/sources.list', text }], 'bookworm');
const deb822 = (text: string) => findMirror([{ name: '/etc/apt/sources.list.d/debian.sources', text }], 'bookworm');

describe('one-line style', () => {
  test.each([
    ['plain', `deb ${mirror} bookworm main`],
    ['more components', `deb ${mirror} bookworm contrib main non-free-firmware`],
    ['an option in brackets', `deb [arch=amd64] ${mirror} bookworm main`],
    ['several options', `deb [ arch=amd64 signed-by=/usr/share/keyrings/x.gpg ] ${mirror} bookworm main`],
    ['tabs and leading space', ` \tdeb\t${mirror}\tbookworm\tmain`],
    [
      'after comments and other entries',
      `# deb http://a bookworm main\ndeb-src http://b bookworm main\n\ndeb ${mirror} bookworm main`,
    ],
    ['after the security suite', `deb http://s/debian-security bookworm-security main\ndeb ${mirror} bookworm main`],
    ['after the updates', `deb http://u bookworm-updates main\ndeb ${mirror} bookworm main`],
  ])('%s', (_what, text) => expect(list(text)).toBe(mirror));

  test.each([
    ['commented out', `# deb ${mirror} bookworm main`],
    ['sources only', `deb-src ${mirror} bookworm main`],
    ['another release', `deb ${mirror} trixie main`],
    ['security only', `deb ${mirror}-security bookworm-security main`],
    ['updates only', `deb ${mirror} bookworm-updates main`],
    ['without main', `deb ${mirror} bookworm contrib mainly`],
    ['a vendor with the name inside', `deb ${mirror} vendor-bookworm main`],
    ['empty', ''],
  ])('%s: none', (_what, text) => expect(list(text)).toBeUndefined());
});

describe('deb822 style', () => {
  test.each([
    ['plain', `Types: deb\nURIs: ${mirror}\nSuites: bookworm\nComponents: main\n`],
    [
      'several words a field',
      `Types: deb deb-src\nURIs: ${mirror} http://other\nSuites: bookworm bookworm-updates\nComponents: main contrib\n`,
    ],
    ['fields in any case and order', `components: main\nSUITES: bookworm\nuris: ${mirror}\ntypes: deb\n`],
    [
      'a field over several lines',
      `Types: deb\nURIs:\n ${mirror}\nSuites:\n bookworm\n bookworm-updates\nComponents: main\n`,
    ],
    [
      'a comment between the fields',
      `Types: deb\n# URIs: http://old\nURIs: ${mirror}\nSuites: bookworm\nComponents: main\n`,
    ],
    [
      'a comment between the lines of a field',
      `Types: deb\nURIs:\n# http://old\n ${mirror}\nSuites: bookworm\nComponents: main\n`,
    ],
    ['enabled in words', `Enabled: yes\nTypes: deb\nURIs: ${mirror}\nSuites: bookworm\nComponents: main\n`],
    [
      'the second paragraph, after the security suite',
      `Types: deb\nURIs: http://s/debian-security\nSuites: bookworm-security\nComponents: main\n\nTypes: deb\nURIs: ${mirror}\nSuites: bookworm\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n`,
    ],
    [
      'after a disabled paragraph',
      `Enabled: no\nTypes: deb\nURIs: http://off\nSuites: bookworm\nComponents: main\n \nTypes: deb\nURIs: ${mirror}\nSuites: bookworm\nComponents: main\n`,
    ],
  ])('%s', (_what, text) => expect(deb822(text)).toBe(mirror));

  test.each([
    ['disabled', `Enabled: no\nTypes: deb\nURIs: ${mirror}\nSuites: bookworm\nComponents: main\n`],
    ['sources only', `Types: deb-src\nURIs: ${mirror}\nSuites: bookworm\nComponents: main\n`],
    ['security only', `Types: deb\nURIs: ${mirror}\nSuites: bookworm-security\nComponents: main\n`],
    ['updates only', `Types: deb\nURIs: ${mirror}\nSuites: bookworm-updates bookworm-backports\nComponents: main\n`],
    ['another release', `Types: deb\nURIs: ${mirror}\nSuites: trixie\nComponents: main\n`],
    ['without main', `Types: deb\nURIs: ${mirror}\nSuites: bookworm\nComponents: contrib\n`],
    ['without a place', 'Types: deb\nSuites: bookworm\nComponents: main\n'],
    ['empty', ''],
  ])('%s: none', (_what, text) => expect(deb822(text)).toBeUndefined());
});

test('the first file that has one wins; each file is read in its own style', () => {
  const files = [
    { name: '/etc/apt/sources.list', text: '# moved to debian.sources\n' },
    { name: '/etc/apt/sources.list.d/a.sources', text: 'deb http://wrong-style bookworm main\n' },
    { name: '/etc/apt/sources.list.d/b.list', text: 'deb [arch=amd64] http://b bookworm main\n' },
    { name: '/etc/apt/sources.list.d/c.list', text: 'deb http://c bookworm main\n' },
  ];
  expect(findMirror(files, 'bookworm')).toBe('http://b');
  expect(findMirror(files, 'trixie')).toBeUndefined();
  expect(findMirror([], 'bookworm')).toBeUndefined();
});
