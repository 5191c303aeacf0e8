import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { historyUnwritable } from '../errors.js';
import {
  type CompletionRecord,
  type EventRecord,
  type HeaderRecord,
  historyFormat,
  historyVersion,
  type InvokeRecord,
  type Unrecorded,
} from './records.js';

/** What can be recorded; the recorder stamps the time. */
export type RecordedEntry = Unrecorded<InvokeRecord> | Unrecorded<CompletionRecord> | Unrecorded<EventRecord>;

/** Writes a history; disposing writes the rest and closes the file. */
export interface Recorder extends AsyncDisposable {
  readonly path: string;
  readonly header: HeaderRecord;
  /** Stamps the entry with the time and queues it; never waits. */
  record(entry: RecordedEntry): void;
  /** Resolves while little waits to be written, so that whoever awaits it before an operation keeps the memory bounded. Throws HF_CHAOS_HISTORY_WRITE. */
  ready(): Promise<void>;
  /** Microseconds since the start, as in records. */
  now(): number;
  /** A process number that nobody has yet. */
  nextProcess(): number;
}

export type HeaderFields = Omit<HeaderRecord, 'type' | 'format' | 'version' | 'startedAt'>;

/** Characters that may wait before `ready` waits. */
const mostWaiting = 4 * 1024 * 1024;
/** How long lines may wait for company. */
const flushMilliseconds = 100;

/** Creates the file (an existing one is replaced) and writes the header. Throws HF_CHAOS_HISTORY_WRITE. */
export async function openHistory(path: string, fields: HeaderFields): Promise<Recorder> {
  const header: HeaderRecord = {
    type: 'header',
    format: historyFormat,
    version: historyVersion,
    startedAt: new Date().toISOString(),
    ...fields,
  };
  const start = process.hrtime.bigint();
  let file: FileHandle;
  try {
    file = await open(path, 'w', 0o600);
  } catch (error) {
    throw historyUnwritable(path, error);
  }
  let lines: string[] = [];
  let waiting = 0;
  let processes = 0;
  let closed = false;
  let failure: unknown;
  let flushing: Promise<void> | undefined;

  const write = (line: string) => {
    lines.push(line, '\n');
    waiting += line.length + 1;
  };
  const drain = async () => {
    try {
      while (lines.length > 0) {
        const text = lines.join('');
        lines = [];
        await file.appendFile(text);
        waiting -= text.length;
      }
    } catch (error) {
      failure ??= error;
      lines = [];
      waiting = 0;
    }
  };
  /** One writer at a time; it goes on until nothing waits. */
  const flush = (): Promise<void> => {
    flushing ??= drain().finally(() => {
      flushing = undefined;
    });
    return flushing;
  };
  const timer = setInterval(() => void flush(), flushMilliseconds);
  const now = () => Number((process.hrtime.bigint() - start) / 1000n);

  write(JSON.stringify(header));
  return {
    path,
    header,
    now,
    nextProcess: () => processes++,
    record(entry) {
      // Whoever is late, as a client that was aborted, has nothing left to say.
      if (closed) return;
      const { type, ...rest } = entry;
      write(JSON.stringify({ type, time: now(), ...rest }));
    },
    async ready() {
      while (waiting > mostWaiting && failure === undefined) {
        await flush();
        await sleep(1);
      }
      if (failure !== undefined) throw historyUnwritable(path, failure);
    },
    async [Symbol.asyncDispose]() {
      if (closed) return;
      closed = true;
      clearInterval(timer);
      await flush();
      await flush();
      await file.close();
      if (failure !== undefined) throw historyUnwritable(path, failure);
    },
  };
}
