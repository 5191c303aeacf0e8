import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectionTarget } from '@holdfast/postgres';
import { runProgram } from '@holdfast/testkit';
import {
  postgresBin,
  startThrowAwayPostgres,
  type ThrowAwayPostgres,
} from '../../../../packages/postgres/test/throw-away-postgres.js';

const login = { user: 'rest_authenticator', password: 'the login role of a test' };

export interface CaseDatabase extends AsyncDisposable {
  /** A login role that may become the cases' roles, and nothing more. */
  readonly target: ConnectionTarget;
}

/** Whether this machine has what PostgREST's fixture database needs: PostgreSQL with PostGIS. */
export function canLoadCases(): boolean {
  const share = postgresBin?.replace('/lib/', '/share/').replace(/\/bin$/, '/extension/postgis.control');
  return share !== undefined && existsSync(share);
}

/** A throw-away PostgreSQL with the fixtures of PostgREST's own specification; `folder` holds seed/load.sql. */
export async function startCaseDatabase(folder: string): Promise<CaseDatabase> {
  if (postgresBin === undefined) throw new Error('no PostgreSQL on this machine');
  // Some cases rest on the order and the estimates that PostgreSQL has without statistics.
  const postgres = await startThrowAwayPostgres(postgresBin, { settings: ['autovacuum=off', 'max_connections=60'] });
  try {
    await load(postgres, folder);
  } catch (error) {
    await postgres[Symbol.asyncDispose]();
    throw error;
  }
  return {
    target: { ...postgres.target, ...login, database: 'cases' },
    [Symbol.asyncDispose]: async () => await postgres[Symbol.asyncDispose](),
  };
}

async function load({ target }: ThrowAwayPostgres, folder: string): Promise<void> {
  const run = async (database: string, args: readonly string[]): Promise<void> => {
    const result = await runProgram(
      'psql',
      [
        ...['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', target.host, '-p', String(target.port)],
        ...['-U', target.user, '-d', database, ...args],
      ],
      {
        timeoutMilliseconds: 60_000,
        cwd: join(folder, 'seed'),
        env: { ...process.env, PGPASSWORD: target.password, PGOPTIONS: '-c client_min_messages=error' },
      },
    );
    if (result.code !== 0) throw new Error(`psql: ${result.stderr}`);
  };
  await run('postgres', [
    ...['-c', `create role ${login.user} login noinherit password '${login.password}'`],
    ...['-c', 'create database cases'],
  ]);
  const names = ['-v', `PGUSER=${login.user}`, '-v', 'DBNAME=cases', '-v', `USER=${target.user}`];
  await run('cases', [...names, '-f', 'load.sql']);
  // The specification does so before it asks for planned counts.
  await run('cases', ['-c', 'analyze test.items, test.child_entities']);
}
