import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '@holdfast/postgres';
import { timeLimit } from '@holdfast/spec';
import { noSchemaCache } from '../errors/schema-errors.js';
import type { RestSettings } from '../settings.js';
import { loadSchemaCache } from './load-schema-cache.js';
import { type LoadedSettings, loadSettings } from './load-settings.js';
import type { SchemaCache } from './types.js';

export interface LoadedSchema extends LoadedSettings {
  readonly schemaCache: SchemaCache;
}

export interface WatchedSchema extends AsyncDisposable {
  /** What was loaded last. Throws PGRST002 before the first load. */
  current(): LoadedSchema;
  /** Resolves with the first load; rejects only when the signal aborts or it is disposed. */
  readonly ready: Promise<LoadedSchema>;
  /** Told after each load that came to an end; `error` undefined: it went well. */
  onLoaded(listener: (error: unknown) => void): void;
}

export interface WatchOptions {
  readonly database: Database;
  readonly settings: RestSettings;
  readonly signal: AbortSignal;
  /** db-channel; default pgrst. */
  readonly channel?: string;
}

/** A load is a few catalog queries; a database that takes longer is asked again. */
const loadMilliseconds = 60_000;

const firstWaitMilliseconds = 100;
const longestWaitMilliseconds = 10_000;

/**
 * Keeps the schema cache: loads it at once, and again whenever somebody notifies the channel (`reload schema`, `reload config`, or nothing: both), and
 * when the connection that listens was opened anew, since what was said in between is lost. Requests go on with what is there until a load is
 * complete; a load that fails is repeated, with growing waits. Loads never overlap; what is asked for while one runs is done after it.
 */
export function watchSchemaCache({ database, settings, signal, channel = 'pgrst' }: WatchOptions): WatchedSchema {
  const ending = new AbortController();
  const stopped = AbortSignal.any([signal, ending.signal]);
  const listeners: ((error: unknown) => void)[] = [];
  let loaded: LoadedSchema | undefined;
  let lastError: unknown;
  let wanted: 'everything' | 'settings' | 'nothing' = 'nothing';
  let loop: Promise<void> | undefined;
  let settle: { readonly resolve: (value: LoadedSchema) => void; readonly reject: (reason: unknown) => void };
  const ready = new Promise<LoadedSchema>((resolve, reject) => {
    settle = { resolve, reject };
  });
  ready.catch(() => {});

  const load = async (what: 'everything' | 'settings'): Promise<void> => {
    const limit = timeLimit(stopped, loadMilliseconds);
    const config = await loadSettings(database, settings, limit);
    const known = loaded?.schemaCache;
    const kept = what === 'settings' && loaded !== undefined && coversSame(loaded.settings, config.settings);
    const schemaCache =
      kept && known !== undefined ? known : await loadSchemaCache(database, config.settings, limit, known);
    loaded = { ...config, schemaCache };
    settle.resolve(loaded);
  };

  const run = async (): Promise<void> => {
    let wait = firstWaitMilliseconds;
    while (wanted !== 'nothing' && !stopped.aborted) {
      const what = wanted;
      wanted = 'nothing';
      try {
        await load(what);
        wait = firstWaitMilliseconds;
        for (const listener of listeners) listener(undefined);
      } catch (error) {
        lastError = error;
        ask(what);
        for (const listener of listeners) listener(error);
        await delay(wait, undefined, { signal: stopped }).catch(() => {});
        wait = Math.min(wait * 2, longestWaitMilliseconds);
      }
    }
  };

  const ask = (what: 'everything' | 'settings'): void => {
    if (wanted !== 'everything') wanted = what;
  };

  const start = (what: 'everything' | 'settings'): void => {
    ask(what);
    if (loop !== undefined || stopped.aborted) return;
    loop = run().finally(() => {
      loop = undefined;
      if (wanted !== 'nothing') start(wanted);
    });
  };

  stopped.addEventListener('abort', () => settle.reject(stopped.reason), { once: true });
  start('everything');
  const listening = database.listen(channel, {
    onNotification: (payload) => {
      if (payload === 'reload config') start('settings');
      else if (payload === 'reload schema' || payload === '') start('everything');
    },
    onListening: () => start('everything'),
  });

  return {
    current() {
      if (loaded === undefined) throw noSchemaCache(lastError);
      return loaded;
    },
    ready,
    onLoaded(listener) {
      listeners.push(listener);
    },
    async [Symbol.asyncDispose]() {
      ending.abort(new Error('the schema cache is no longer watched'));
      await listening[Symbol.asyncDispose]();
      await loop;
    },
  };
}

/** The catalogs were read for these settings. */
function coversSame(old: RestSettings, now: RestSettings): boolean {
  const shown = ({ schemas, extraSearchPath, hoistedSettings }: RestSettings): string =>
    JSON.stringify([schemas, extraSearchPath, hoistedSettings]);
  return shown(old) === shown(now);
}
