import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readHistory, readRecords } from '../src/history/reader.js';
import { openHistory } from '../src/history/recorder.js';
import type { HistoryRecord } from '../src/history/records.js';
import { seededRandom } from '../src/seeded-random.js';
import { describeWorkload } from '../src/workloads/start-workload.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-history-'));
});
afterEach(async () => await rm(folder, { recursive: true }));

const fields = { seed: 's', workloads: [describeWorkload('set')] };
const path = () => join(folder, 'history.ndjson');
const add = { process: 0, workload: 'set', action: 'add', value: 1 } as const;

async function recordOne(): Promise<void> {
  await using recorder = await openHistory(path(), fields);
  recorder.record({ type: 'invoke', port: 'rw', ...add });
  recorder.record({ type: 'event', event: 'fault', phase: 'begin', name: 'kill', id: 1, targets: ['pg1'] });
  recorder.record({ type: 'ok', ...add, server: { member: '127.0.0.1:5432', timeline: 3 } });
  recorder.record({ type: 'invoke', port: 'rw', ...add, value: 2 });
}

describe('a history', () => {
  it('is read as it was recorded', async () => {
    await recordOne();
    const { header, operations, events, truncated } = await readHistory(path());
    expect(header).toMatchObject({ format: 'holdfast-history', version: 1, seed: 's' });
    expect(Math.abs(Date.parse(header.startedAt) - Date.now())).toBeLessThan(10_000);
    expect(truncated).toBe(false);
    expect(events).toMatchObject([{ name: 'kill', targets: ['pg1'] }]);
    expect(operations).toMatchObject([
      { index: 0, outcome: 'ok', result: 1, server: { member: '127.0.0.1:5432', timeline: 3 } },
      { index: 1, outcome: 'info', value: 2, completed: Number.POSITIVE_INFINITY },
    ]);
    const [first] = operations;
    expect(first?.completed).toBeGreaterThanOrEqual(first?.invoked ?? Number.NaN);
  });

  it('survives the loss of its end at any byte', async () => {
    await recordOne();
    const whole = await readFile(path());
    const headerEnd = whole.indexOf('\n');
    const { operations } = await readHistory(path());
    for (let length = headerEnd; length < whole.length; length++) {
      await writeFile(path(), whole.subarray(0, length));
      const cut = await readHistory(path());
      expect(cut.operations.length).toBeLessThanOrEqual(operations.length);
      const atLineEnd = whole[length - 1] === 10 || whole[length] === 10;
      expect(cut.truncated, `${length} bytes`).toBe(!atLineEnd);
    }
  });

  it.each([
    ['line 3: this is not JSON', (text: string) => text.replace('"event"', 'event')],
    ['`time` is not a whole number', (text: string) => text.replace(/"time":\d+/, '"time":"soon"')],
    [
      'ends an operation that it did not begin',
      (text: string) =>
        text
          .replace('"type":"ok","time"', '"process":9,"type":"ok","time"')
          .replace(/("type":"ok".*)"process":0/, '$1"process":9'),
    ],
    ['its version is 2', (text: string) => text.replace('"version":1', '"version":2')],
    ['the first line is not a header', (text: string) => text.slice(text.indexOf('\n') + 1)],
    ['the file is empty', () => ''],
  ])('refuses damage in the middle: %s', async (problem, damage) => {
    await recordOne();
    const text = await readFile(path(), 'utf8');
    const damaged = damage(text);
    expect(damaged).not.toBe(text);
    await writeFile(path(), damaged);
    const error = await readHistory(path()).catch((each: unknown) => each);
    expect(error).toMatchObject({ code: 'HF_CHAOS_HISTORY_INVALID', message: expect.stringContaining(problem) });
  });

  it('says so when it is not there, or cannot be written', async () => {
    await expect(readHistory(path())).rejects.toMatchObject({ code: 'HF_CHAOS_HISTORY_READ' });
    const nowhere = join(folder, 'nowhere', 'history.ndjson');
    await expect(openHistory(nowhere, fields)).rejects.toMatchObject({ code: 'HF_CHAOS_HISTORY_WRITE' });
  });

  it('keeps everything when it is written faster than the disk takes it, also after a pause', async () => {
    const recorder = await openHistory(path(), fields);
    const long = 'x'.repeat(1000);
    for (let round = 0; round < 3; round++) {
      // Longer than the recorder's own interval, so that it has nothing to write for a while.
      await new Promise((resolve) => setTimeout(resolve, 250));
      for (let index = 0; index < 5000; index++) {
        recorder.record({ type: 'event', event: 'note', phase: 'at', name: `${long}${round}/${index}` });
      }
      await recorder.ready();
    }
    await recorder[Symbol.asyncDispose]();
    let count = 0;
    for await (const record of readRecords(path())) if (record.type === 'event') count++;
    expect(count).toBe(15_000);
  });

  it('yields records one by one, without reading on', async () => {
    await recordOne();
    await appendFile(path(), 'not JSON\n');
    const records: HistoryRecord[] = [];
    for await (const record of readRecords(path())) {
      records.push(record);
      if (records.length === 2) break;
    }
    expect(records.map(({ type }) => type)).toEqual(['header', 'invoke']);
  });
});

describe('seededRandom', () => {
  it('gives the same numbers for the same seed, others for others', () => {
    const draw = (seed: string) =>
      Array.from(
        { length: 8 },
        (
          (random) => () =>
            random.next32()
        )(seededRandom(seed)),
      );
    expect(draw('a')).toEqual(draw('a'));
    expect(draw('a')).not.toEqual(draw('b'));
  });

  it('forks by label alone', () => {
    const [one, other] = [seededRandom('a'), seededRandom('a')];
    other.next32();
    expect(one.fork('x').next32()).toBe(other.fork('x').next32());
    expect(one.fork('x').next32()).not.toBe(one.fork('y').next32());
  });

  it('stays within its bounds, reaches them, and keeps what it shuffles', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: -5, max: 5 }), fc.nat({ max: 4 }), (seed, least, width) => {
        const random = seededRandom(seed);
        const drawn = new Set(Array.from({ length: 300 }, () => random.between(least, least + width)));
        expect([...drawn].sort((a, b) => a - b)).toEqual(
          Array.from({ length: width + 1 }, (_, index) => least + index),
        );
        expect(random.shuffle([1, 2, 3, 4]).sort()).toEqual([1, 2, 3, 4]);
      }),
    );
  });
});
