import pg from 'pg';
import { raisedError } from './raised-error.js';
import { RestError } from './rest-error.js';
import { statusOfSqlState } from './sql-status.js';

/** How long a client should wait before it asks again after an answer that says so. */
const retryAfter: readonly [string, string] = ['Retry-After', '1'];

/**
 * What an error from the database is to the client: SQL errors keep PostgreSQL's own words; RAISE with PGRST or PTnnn decides the answer itself; a
 * database that is away is a 503 that says when to ask again. RestErrors pass. Undefined: none of these, a fault of ours.
 */
export function restErrorOf(error: unknown, authenticated: boolean): RestError | undefined {
  if (error instanceof RestError) return error;
  if (error instanceof pg.DatabaseError && error.code !== undefined) {
    return fromSql(error, error.code, authenticated);
  }
  const code = codeOf(error);
  if (code === 'HF_POSTGRES_UNAVAILABLE') {
    return unavailable('PGRST000', 'Database connection error. Retrying the connection.', error);
  }
  if (code === 'HF_POSTGRES_OUTCOME_UNKNOWN') {
    return unavailable('PGRST001', 'Database client error. Retrying the connection.', error);
  }
  if (code === 'HF_POSTGRES_UNREACHABLE') {
    return unavailable('PGRST000', 'Database connection error. Retrying the connection.', error);
  }
  if (code === 'HF_POSTGRES_BUSY') {
    return new RestError({
      status: 504,
      code: 'PGRST003',
      message: 'Timed out acquiring connection from connection pool.',
      cause: error,
    });
  }
  return undefined;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function unavailable(code: string, message: string, cause: unknown): RestError {
  return new RestError({ status: 503, code, message, headers: [retryAfter], cause });
}

function fromSql(error: pg.DatabaseError, code: string, authenticated: boolean): RestError {
  if (code === 'PGRST') return raisedError(error.message, error.detail, error);
  const common = {
    code,
    message: error.message,
    details: error.detail ?? null,
    hint: error.hint ?? null,
    cause: error,
  };
  if (code.startsWith('PT')) {
    const status = Number(code.slice(2));
    const isStatus = /^\d{3}$/.test(code.slice(2)) && status >= 200;
    // The message is PostgREST's way to give the status line's text; in HTTP/1.1 that takes no control characters.
    return new RestError({ ...common, status: isStatus ? status : 500, ...reasonOf(error.message) });
  }
  const status = statusOfSqlState(code, error.message, authenticated);
  const headers: (readonly [string, string])[] = [];
  if (status === 401) headers.push(['WWW-Authenticate', 'Bearer']);
  if (status === 503) headers.push(retryAfter);
  return new RestError({ ...common, status, headers });
}

function reasonOf(message: string): { readonly statusText?: string } {
  return /^[\x20-\x7e]+$/.test(message) ? { statusText: message } : {};
}
