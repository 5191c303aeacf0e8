import { openDatabase } from '@holdfast/postgres';
import { caseSettings } from './case-settings.js';
import { startRestServer } from './rest-server.js';

/* For work by hand: serves a database that already holds the seed, `node serve-cases.mjs GROUP PORT` with PGPORT, PGUSER, PGPASSWORD, PGDATABASE. */

const [group = 'base', port = '3000'] = process.argv.slice(2);
const { PGPORT = '5432', PGUSER = 'postgres', PGPASSWORD = '', PGDATABASE = 'postgres' } = process.env;
const database = openDatabase({
  host: '127.0.0.1',
  port: Number(PGPORT),
  user: PGUSER,
  password: PGPASSWORD,
  database: PGDATABASE,
});
const server = await startRestServer(database, caseSettings(group), Number(port));
console.log(server.url);
process.once('SIGTERM', () => {
  void server[Symbol.asyncDispose]().then(async () => await database[Symbol.asyncDispose]());
});
