import type { Database } from '@holdfast/postgres';
import { ApiError, internalError } from '../errors.js';
import type { AuthSettings } from '../settings/schema.js';
import { callFunction, parseFunctionUri } from './function-hook.js';
import { callHttp } from './http-hook.js';
import type { HookRunner } from './run-hook.js';

interface Needs {
  readonly settings: Pick<AuthSettings, 'hooks'>;
  readonly database: Database;
  readonly signal: AbortSignal;
  readonly now: () => Date;
}

export function createHookRunner({ settings, database, signal, now }: Needs): HookRunner {
  return {
    target: (name) => settings.hooks[name],
    async run(name, input) {
      const target = settings.hooks[name];
      if (target === undefined) throw new Error(`the hook ${name} is off`);
      const place = parseFunctionUri(target.uri);
      const answer =
        place === undefined
          ? await callHttp(target, input, { now, signal })
          : await callFunction(place, input, database, signal);
      refuse(answer);
      return answer;
    },
  };
}

/** A hook says no by `{error: {http_code, message}}`. */
function refuse({ error }: Readonly<Record<string, unknown>>): void {
  if (typeof error !== 'object' || error === null) return;
  const { http_code: status, message } = error as { readonly http_code?: unknown; readonly message?: unknown };
  if (typeof message !== 'string' || message === '') return;
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 400 || status > 599)
    throw internalError(message);
  throw new ApiError({ status, code: 'unknown', message });
}
