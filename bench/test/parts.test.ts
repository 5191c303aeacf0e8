import { describe, expect, it } from 'vitest';
import type { WriteHistory } from '../failover/history.js';
import { splitGap, type TraceEvent } from '../failover/parts.js';
import { readAgentLine, readPostgresLine } from '../failover/trace.js';

const fault = { begun: 1000, struck: 1001 };
const history: WriteHistory = {
  ids: [1, 2],
  begun: [990, 1390],
  acknowledged: [995, 1400],
  connections: [0, 0],
  server: [0, 1],
  servers: ['a', 'b'],
  errors: [{ at: 1001, message: 'cut' }],
  connects: [10, 1380],
  started: 0,
  stopped: 2000,
};
const events: readonly TraceEvent[] = [
  { at: 900, kind: 'key-taken', who: 'pg9' },
  { at: 1090, kind: 'agent', who: 'pg3', event: 'suspicion' },
  { at: 1100, kind: 'agent', who: 'pg2', event: 'seal' },
  { at: 1120, kind: 'key-gone', who: 'pg1' },
  { at: 1150, kind: 'key-taken', who: 'pg2' },
  { at: 1200, kind: 'promoting', who: 'pg2' },
  { at: 1300, kind: 'writable', who: 'pg2' },
  { at: 1500, kind: 'writable', who: 'pg1' },
];

describe('splitGap', () => {
  it('names each part; together they are the gap', () => {
    const parts = splitGap(fault, history, events);
    expect(parts).toEqual({ detect: 100, seal: 20, lock: 30, call: 50, promote: 100, route: 80, write: 20 });
    expect(Object.values(parts ?? {}).reduce((sum, part) => sum + part, 0)).toBe(400);
  });

  it('knows a key that was handed over from one that was free for a while', () => {
    const handed = events.filter(({ kind }) => kind !== 'key-gone');
    expect(splitGap(fault, history, handed)).toEqual({
      detect: 100,
      seal: 50,
      call: 50,
      promote: 100,
      route: 80,
      write: 20,
    });
  });

  it('without agents counts the wait for the lease as the detection', () => {
    const alone = events.filter(({ kind }) => kind !== 'agent');
    expect(splitGap(fault, history, alone)).toMatchObject({ detect: 120, lock: 30 });
  });

  it('adds what was not seen to the next part that was, so that nothing is left out', () => {
    const some = events.filter(({ kind }) => kind === 'key-taken' || kind === 'key-gone');
    expect(splitGap(fault, history, some)).toEqual({ detect: 120, lock: 30, route: 230, write: 20 });
  });

  it('counts the time in which a connected client waits for a standby, and is cut, as the write', () => {
    const again = { ...history, begun: [990, 5400], acknowledged: [995, 5500], connects: [10, 1380, 3390, 5395] };
    expect(splitGap(fault, again, events)).toMatchObject({ route: 80, write: 4120 });
  });

  it('has nothing to say where the key was not taken, or no write came back', () => {
    expect(
      splitGap(
        fault,
        history,
        events.filter(({ kind }) => kind !== 'key-taken'),
      ),
    ).toBeUndefined();
    expect(splitGap(fault, { ...history, begun: [990], acknowledged: [995] }, events)).toBeUndefined();
  });

  it('counts an end that the other clock puts before its beginning as none', () => {
    const early = events.map((event) => (event.kind === 'promoting' ? { ...event, at: 1148 } : event));
    expect(splitGap(fault, history, early)).toMatchObject({ lock: 30, call: 0, promote: 150 });
  });
});

describe('logs', () => {
  it('of PostgreSQL: the lines about a promotion, on the monotonic clock', () => {
    const line = '2026-11-22 16:46:05.123 UTC [71] LOG:  database system is ready to accept connections';
    const offset = 5 - Date.UTC(2026, 10, 22, 16, 46, 5, 123);
    expect(readPostgresLine(line, 'pg2', offset)).toEqual([{ at: 5, kind: 'writable', who: 'pg2' }]);
    const told = line.replace(/database.*/, 'received promote request');
    expect(readPostgresLine(told, 'pg2', offset)).toEqual([{ at: 5, kind: 'promoting', who: 'pg2' }]);
    expect(readPostgresLine(line.replace('connections', 'read-only connections'), 'pg2', offset)).toBeUndefined();
  });

  it('of an agent: what has a time and a word', () => {
    const line = '{"time":"2026-11-22T16:46:05.123Z","monotonic":7.5,"event":"seal","from":"pg1"}';
    expect(readAgentLine(line, 'pg2')).toEqual([{ at: 7.5, kind: 'agent', who: 'pg2', event: 'seal' }]);
    expect(readAgentLine('{"event":"seal"}', 'pg2')).toBeUndefined();
    expect(readAgentLine('{"monotonic":7.5,"ev', 'pg2')).toBeUndefined();
    expect(readAgentLine('Error: something', 'pg2')).toBeUndefined();
  });
});
