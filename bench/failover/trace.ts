import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { EtcdClient } from '@holdfast/components';
import { monotonic } from './monotonic.js';
import type { TraceEvent } from './parts.js';

/** Disposing ends the watching, too. */
export interface TraceReader extends AsyncDisposable {
  /** Ends the watching and answers what there was. */
  stop(): Promise<readonly TraceEvent[]>;
}

export interface TraceSources {
  /** Any member that the round does not hit. */
  readonly etcd: EtcdClient;
  readonly dcsPrefix: string;
  readonly logDirectory: string;
  readonly members: readonly string[];
}

/** Watches the leader key, and at the end reads what PostgreSQL and the agents have logged since. */
export async function startTrace(sources: TraceSources, signal: AbortSignal): Promise<TraceReader> {
  const events: TraceEvent[] = [];
  const over = new AbortController();
  const watching = AbortSignal.any([signal, over.signal]);
  const key = `${sources.dcsPrefix}leader`;
  const { revision, entries } = await sources.etcd.snapshot(sources.dcsPrefix, signal);
  let holder = entries.find((entry) => entry.key === key)?.value;
  const fromRevision = String(BigInt(revision) + 1n);
  const watch = (async () => {
    for await (const batch of sources.etcd.watch(sources.dcsPrefix, { fromRevision, signal: watching })) {
      for (const event of batch.events) {
        if (event.key !== key) continue;
        if (event.deleted) events.push({ at: monotonic(), kind: 'key-gone', who: holder ?? '' });
        else if (event.value !== holder) events.push({ at: monotonic(), kind: 'key-taken', who: event.value });
        holder = event.deleted ? undefined : event.value;
      }
    }
  })();
  // A watch that breaks, as when its etcd is killed, leaves the parts unknown; the round is measured without it.
  const watched = watch.catch(() => {});
  const logs = [
    ...sources.members.map((member) => ({
      member,
      path: join(sources.logDirectory, `${member}.log`),
      read: readPostgresLine,
    })),
    ...sources.members.map((member) => ({
      member,
      path: join(sources.logDirectory, `${member}-agent.log`),
      read: readAgentLine,
    })),
  ];
  const offsets = await Promise.all(logs.map(async ({ path }) => (await stat(path).catch(() => undefined))?.size ?? 0));
  // From the clock on the wall, which PostgreSQL's log has, to the monotonic one.
  const offset = monotonic() - Date.now();
  return {
    async stop() {
      over.abort();
      await watched;
      const logged = await Promise.all(
        logs.map(async ({ member, path, read }, index) =>
          (await readFrom(path, offsets[index] ?? 0))
            .split('\n')
            .flatMap((line): readonly TraceEvent[] => read(line, member, offset) ?? []),
        ),
      );
      return [...events, ...logged.flat()];
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      await watched;
    },
  };
}

const postgresWords: readonly (readonly [string, TraceEvent['kind']])[] = [
  ['received promote request', 'promoting'],
  ['database system is ready to accept connections', 'writable'],
];

/** `2026-11-22 16:46:05.123 UTC [71] LOG:  received promote request`; log_timezone is UTC here. Pure. */
export function readPostgresLine(line: string, member: string, offset: number): readonly TraceEvent[] | undefined {
  const found = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}) UTC \[\d+\] LOG: {2}(.*)$/.exec(line);
  const kind = postgresWords.find(([words]) => words === found?.[3])?.[1];
  if (found === null || kind === undefined) return undefined;
  return [{ at: Date.parse(`${found[1]}T${found[2]}Z`) + offset, kind, who: member }];
}

/** An agent's log has a JSON document a line, with `monotonic` in milliseconds. Pure. */
export function readAgentLine(line: string, member: string): readonly TraceEvent[] | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const { monotonic: at, event } = JSON.parse(line) as { readonly monotonic?: unknown; readonly event?: unknown };
    return typeof at === 'number' && typeof event === 'string'
      ? [{ at, kind: 'agent', who: member, event }]
      : undefined;
  } catch {
    return undefined;
  }
}

async function readFrom(path: string, offset: number): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return '';
  try {
    // A log that was rotated meanwhile is shorter: what is there is read.
    const { size } = await file.stat();
    const start = size < offset ? 0 : offset;
    const buffer = Buffer.alloc(size - start);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
