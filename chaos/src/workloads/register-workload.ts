import { initialRegister, type RegisterValue } from '../checkers/check-register.js';
import { attemptStatement, declined } from './attempt.js';
import type { ClientConnection } from './connection.js';
import { chaosSchema, uniqueNumber, type Workload } from './workload.js';

const table = `${chaosSchema}.registers`;
const keys = 5;

/** Reads, writes and compare-and-sets of unique values on a few registers, one statement each. A compare-and-set expects what its client saw last. */
export const registerWorkload: Workload = {
  name: 'register',
  defaultIsolation: 'read committed',
  options: { keys },
  prepare: [
    `DROP TABLE IF EXISTS ${table}`,
    `CREATE TABLE ${table} (key int PRIMARY KEY, value bigint NOT NULL)`,
    `INSERT INTO ${table} SELECT key, ${initialRegister} FROM generate_series(0, ${keys - 1}) AS key`,
  ],
  client: (random, place) => {
    let operations = 0;
    const seen = new Map<number, number>();
    return () => {
      const value = uniqueNumber(place, operations++) + 1;
      const key = random.between(0, keys - 1);
      const kind = random.pick(['read', 'read', 'write', 'cas'] as const);
      const readOnlyPort = random.chance(0.25);
      const remember = (answer: RegisterValue, port: 'rw' | 'ro'): RegisterValue => {
        if (port === 'rw' && answer.value !== undefined) seen.set(key, answer.value);
        return answer;
      };
      if (kind === 'read') {
        const port = readOnlyPort ? 'ro' : 'rw';
        return {
          action: 'read',
          value: { key },
          port,
          perform: async (connection) => remember(await read(connection, key), port),
        };
      }
      const change: RegisterValue =
        kind === 'write' ? { key, value } : { key, expected: seen.get(key) ?? initialRegister, value };
      return {
        action: kind,
        value: change,
        port: 'rw',
        perform: async (connection) => remember(await write(connection, change), 'rw'),
      };
    };
  },
  async finalRead(connection) {
    const { rows } = await attemptStatement(connection, `SELECT value FROM ${table} ORDER BY key`, [], {
      readOnly: true,
    });
    return rows.map(({ value }) => Number(value));
  },
};

async function read(connection: ClientConnection, key: number): Promise<RegisterValue> {
  const { rows } = await attemptStatement(connection, `SELECT value FROM ${table} WHERE key = $1`, [key], {
    readOnly: true,
  });
  return { key, value: Number(rows[0]?.value) };
}

async function write(connection: ClientConnection, change: RegisterValue): Promise<RegisterValue> {
  const { key, value, expected } = change;
  const [condition, values] = expected === undefined ? ['', [key, value]] : [' AND value = $3', [key, value, expected]];
  const sql = `UPDATE ${table} SET value = $2 WHERE key = $1${condition}`;
  const { rowCount } = await attemptStatement(connection, sql, values, { readOnly: false });
  if (rowCount === 0) throw declined('mismatch', `key ${key} does not hold ${expected}`);
  return change;
}
