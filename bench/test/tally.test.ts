import { expect, test } from 'vitest';
import { tallyEvents } from '../saturation/tally.js';

const line = (seconds: number, event: string) =>
  `2026-01-01T00:00:00Z pg1-agent ${JSON.stringify({ time: new Date(seconds * 1000).toISOString(), event })}`;

test('what agents logged is counted from a moment on', () => {
  const log = [
    line(1, 'suspicion'),
    line(2, 'gate-opened'),
    line(11, 'gate-closed'),
    line(12, 'gate-closed'),
    line(13, 'suspicion'),
    line(14, 'sealed'),
    line(15, 'fenced'),
    line(16, 'end-wal-sender'),
    'not JSON {',
    '',
  ].join('\n');
  expect(tallyEvents([log, log], new Date(10_000).toISOString())).toEqual({
    suspicions: 2,
    failovers: 2,
    fenced: 2,
    gatesClosed: 2,
    sendersEnded: 2,
  });
});
