import type { KeyMaterial } from '@holdfast/keys';
import type { Database } from '@holdfast/postgres';
import type { FastifyBaseLogger } from 'fastify';
import type { HookRunner } from './hooks/run-hook.js';
import type { RateLimits } from './limits/rate-limits.js';
import type { Mailer } from './mail/mailer.js';
import type { AuthSettings } from './settings/schema.js';
import type { SmsSender } from './sms/sms-sender.js';
import { type Query, type Run, readAll } from './store/query.js';

/** What every route and part of Auth is given. */
export interface AuthContext {
  readonly settings: AuthSettings;
  readonly database: Database;
  readonly keys: () => KeyMaterial;
  readonly now: () => Date;
  /** Aborts when the service ends. */
  readonly signal: AbortSignal;
  readonly log: FastifyBaseLogger;
  readonly mailer: Mailer;
  readonly sms: SmsSender;
  readonly hooks: HookRunner;
  readonly limits: RateLimits;
  /** Queries that only read, in one round trip. */
  read<T extends readonly unknown[]>(...queries: { readonly [K in keyof T]: Query<T[K]> }): Promise<T>;
  /**
   * Queries that may write, in one transaction and one round trip. `repeatable`: may run again when nobody knows whether it was committed; false
   * unless said.
   */
  write<T extends readonly unknown[]>(...queries: { readonly [K in keyof T]: Query<T[K]> }): Promise<T>;
  /** A transaction in which what is asked depends on what came. `work` may run again from its start: it has no effects elsewhere. */
  transaction<T>(work: (run: Run) => Promise<T>): Promise<T>;
}

type Access = Pick<AuthContext, 'read' | 'write' | 'transaction'>;

/** The three ways to the database, for one service. */
export function databaseAccess(database: Database, signal: AbortSignal): Access {
  return {
    async read<T extends readonly unknown[]>(...queries: { readonly [K in keyof T]: Query<T[K]> }) {
      const statements = queries.map(({ statement }) => statement);
      return readAll<T>(queries, await database.pipeline(statements, { access: 'read only' }, signal));
    },
    async write<T extends readonly unknown[]>(...queries: { readonly [K in keyof T]: Query<T[K]> }) {
      const statements = queries.map(({ statement }) => statement);
      return readAll<T>(queries, await database.pipeline(statements, { access: 'read write' }, signal));
    },
    async transaction(work) {
      return await database.transaction({ access: 'read write' }, work, signal);
    },
  };
}
