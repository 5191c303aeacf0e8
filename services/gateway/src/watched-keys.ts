import { readFileSync, statSync } from 'node:fs';
import type { LineLog } from '@holdfast/http';
import { type KeyMaterial, parseKeyMaterial } from '@holdfast/keys';

const lookMilliseconds = 1000;

/** The keys in a file, read again when it is another one: `holdfast keys rotate` replaces it as a whole. */
export class WatchedKeys implements Disposable {
  readonly #path: string;
  readonly #log: LineLog;
  readonly #timer: NodeJS.Timeout;
  #stamp: string;
  #current: KeyMaterial;

  /** Throws when the file cannot be read, or holds no keys (HF_KEYS_DAMAGED). */
  constructor(path: string, log: LineLog) {
    this.#path = path;
    this.#log = log;
    this.#stamp = stampOf(path);
    this.#current = parseKeyMaterial(readFileSync(path, 'utf8'), path);
    this.#timer = setInterval(() => this.#look(), lookMilliseconds).unref();
  }

  get current(): KeyMaterial {
    return this.#current;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** A file that is not there for a moment, or damaged, leaves the keys as they are. */
  #look(): void {
    try {
      const stamp = stampOf(this.#path);
      if (stamp === this.#stamp) return;
      this.#current = parseKeyMaterial(readFileSync(this.#path, 'utf8'), this.#path);
      this.#stamp = stamp;
      this.#log.event('keys', { read: 'anew' });
    } catch (error) {
      this.#log.event('keys', { read: 'failed', reason: error instanceof Error ? error.message : String(error) });
    }
  }
}

function stampOf(path: string): string {
  const { ino, mtimeMs, size } = statSync(path);
  return `${ino}/${mtimeMs}/${size}`;
}
