import { createReadStream } from 'node:fs';
import { historyInvalid, historyUnreadable } from '../errors.js';
import { type History, historyBuilder } from './operations.js';
import { type HistoryRecord, judgeRecord } from './records.js';

/** What `readRecords` came across besides records. */
export interface ReadNotes {
  /** The last line was cut off and left out. */
  truncated: boolean;
}

/**
 * The records of a history, one after the other; memory for one line at a time. A last line that no newline ends and that is no JSON was cut
 * off, as when the writer was killed: it is left out, and `notes.truncated` says so. Throws HF_CHAOS_HISTORY_INVALID, naming the line, and
 * HF_CHAOS_HISTORY_READ.
 */
export async function* readRecords(
  path: string,
  notes?: ReadNotes,
  signal?: AbortSignal,
): AsyncGenerator<HistoryRecord> {
  let number = 0;
  let rest = '';
  const parse = (line: string): HistoryRecord => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw historyInvalid(path, number, 'this is not JSON', error);
    }
    const record = judgeRecord(value);
    if (typeof record === 'string') throw historyInvalid(path, number, record);
    return record;
  };
  const stream = createReadStream(path, {
    encoding: 'utf8',
    highWaterMark: 1024 * 1024,
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const chunk of chunksOf(stream, path)) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      number++;
      if (line !== '') yield parse(line);
    }
  }
  if (rest === '') return;
  number++;
  let last: HistoryRecord;
  try {
    last = parse(rest);
  } catch (error) {
    if (number === 1) throw error;
    if (notes !== undefined) notes.truncated = true;
    return;
  }
  yield last;
}

async function* chunksOf(stream: AsyncIterable<unknown>, path: string): AsyncGenerator<string> {
  try {
    for await (const chunk of stream) yield String(chunk);
  } catch (error) {
    throw historyUnreadable(path, error);
  }
}

/** Reads a whole history for a check. Throws HF_CHAOS_HISTORY_INVALID and HF_CHAOS_HISTORY_READ. */
export async function readHistory(path: string, signal?: AbortSignal): Promise<History> {
  const builder = historyBuilder();
  const notes: ReadNotes = { truncated: false };
  let number = 0;
  for await (const record of readRecords(path, notes, signal)) {
    number++;
    const problem = builder.add(record);
    if (problem !== undefined) throw historyInvalid(path, number, problem);
  }
  const history = builder.build(notes.truncated);
  if (history === undefined) throw historyInvalid(path, 1, 'the file is empty');
  return history;
}
