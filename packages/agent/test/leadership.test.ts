import { describe, expect, test } from 'vitest';
import { Leadership } from '../src/leadership.js';
import type { RunningClock } from '../src/running-clock.js';
import type { AgentReport } from '../src/view.js';

function make(others: number) {
  const time = { now: 1000 };
  const clock = { running: () => time.now, real: () => time.now } as RunningClock;
  return { time, leadership: new Leadership('pg1', others, clock) };
}

const said = (member: string, heard: number, leader = 'pg1', revision = '5'): AgentReport => ({
  member,
  sequence: 1,
  postgres: 'standby',
  patroni: true,
  position: 0,
  leader: { name: leader, revision },
  silent: [],
  heard: { pg1: heard },
});

describe('a proof of leadership', () => {
  test('is as old as the question to etcd, not as its answer', () => {
    const { time, leadership } = make(2);
    expect(leadership.proof).toBeUndefined();
    time.now = 1200;
    leadership.read('pg1', '5', 1000);
    expect(leadership.proof).toBe(200);
  });

  test('by the others is as old as the report that they heard, and needs half of them', () => {
    const { time, leadership } = make(4);
    leadership.read('pg1', '5', 1000);
    time.now = 2000;
    leadership.sent(7);
    time.now = 2100;
    leadership.heard(said('pg2', 7));
    expect(leadership.proof).toBe(1100);
    leadership.heard(said('pg3', 7));
    expect(leadership.proof).toBe(100);
  });

  test('is not made by reports alone: etcd has to have said it once', () => {
    const { leadership } = make(2);
    leadership.sent(1);
    leadership.heard(said('pg2', 1));
    expect(leadership.proof).toBeUndefined();
  });

  test('counts an agent that refuses connections: it finds nobody silent', () => {
    const { time, leadership } = make(2);
    leadership.read('pg1', '5', 1000);
    time.now = 3000;
    leadership.refused('pg2', 2990);
    expect(leadership.proof).toBe(10);
  });

  test('ends with the first word of another holder in a later revision, and comes back only from etcd', () => {
    const { time, leadership } = make(2);
    leadership.read('pg1', '5', 1000);
    leadership.heard(said('pg2', 0, 'pg2', '4'));
    expect(leadership.deposed).toBeUndefined();
    leadership.heard(said('pg2', 0, 'pg2', '6'));
    time.now = 1300;
    expect(leadership.proof).toBeUndefined();
    expect(leadership.deposed).toBe(300);
    leadership.read('pg1', '5', 1290);
    expect(leadership.proof).toBeUndefined();
    leadership.read('pg1', '7', 1295);
    expect(leadership.proof).toBe(5);
    expect(leadership.deposed).toBeUndefined();
  });

  test('is not ended by a lock that nobody holds: there is only no new one', () => {
    const { time, leadership } = make(2);
    leadership.read('pg1', '5', 1000);
    leadership.read(undefined, '0', 1100);
    time.now = 1500;
    expect(leadership.deposed).toBeUndefined();
    expect(leadership.proof).toBe(500);
  });
});
