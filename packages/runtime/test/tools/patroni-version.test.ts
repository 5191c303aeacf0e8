import { expect, test } from 'vitest';
import { judgePatroniVersion, parsePatroniVersion } from '../../src/process/tools/patroni-version.js';

test.each([
  ['patroni 4.0.7\n', '4.0.7'],
  ['patroni 3.0.2\n', '3.0.2'],
  ['patronictl version 4.1.0\n', '4.1.0'],
  ['patroni 4.2\n', '4.2'],
  ['Python 3.11.2\n', undefined],
  ['', undefined],
])('%j is version %s', (output, version) => expect(parsePatroniVersion(output)).toBe(version));

test.each(['4.0.0', '4.0.7', '4.1', '10.0.0'])('%s is sound', (version) => {
  expect(judgePatroniVersion(version)).toEqual({ sound: true });
});

test.each(['2.1.7', '3.0.0', '3.0.2'])('%s is refused: it loses acknowledged writes', (version) => {
  const judgement = judgePatroniVersion(version);
  expect(judgement.sound).toBe(false);
  expect(judgement).toMatchObject({ reason: expect.stringContaining('loses acknowledged writes') });
  expect(judgement).toMatchObject({ reason: expect.stringContaining(version) });
});

test.each(['3.0.3', '3.1.0', '3.3.2'])('%s is refused: it is only too old', (version) => {
  const judgement = judgePatroniVersion(version);
  expect(judgement.sound).toBe(false);
  expect(judgement).toMatchObject({ reason: expect.stringContaining('older than 4.0') });
  expect(judgement).not.toMatchObject({ reason: expect.stringContaining('loses') });
});
