import { expect, test } from 'vitest';
import { readFlags } from '../src/commands/logs/command.js';

test.each([
  [[], {}, { names: [], follow: false, specFile: undefined }],
  [['pg1'], { f: true as const }, { names: ['pg1'], follow: true, specFile: undefined }],
  [[], { f: 'pg1' }, { names: ['pg1'], follow: true, specFile: undefined }],
  [['pg2'], { f: 'pg1' }, { names: ['pg1', 'pg2'], follow: true, specFile: undefined }],
  [['pg1'], { f: 'staging.yaml' }, { names: ['pg1'], follow: false, specFile: 'staging.yaml' }],
  [['pg1'], { f: './staging', follow: true }, { names: ['pg1'], follow: true, specFile: './staging' }],
  [[], { follow: true }, { names: [], follow: true, specFile: undefined }],
])('logs %j %j', (names, flags, meaning) => {
  expect(readFlags(names, flags)).toEqual(meaning);
});
