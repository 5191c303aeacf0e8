import type { AppendStep } from '../checkers/append-versions.js';
import { attemptStatement, attemptTransaction } from './attempt.js';
import type { ClientConnection } from './connection.js';
import { chaosSchema, uniqueNumber, type Workload } from './workload.js';

const table = `${chaosSchema}.lists`;
/** Keys that all clients work on at a time. */
const keysAtOnce = 6;
/** Operations of a client after which the next keys come, so that lists stay short. */
const operationsEach = 20;
const mostSteps = 4;

/** Transactions of one to four steps, each of which reads a list or appends a unique number to it. */
export const appendWorkload: Workload = {
  name: 'append',
  defaultIsolation: 'serializable',
  options: {},
  prepare: [`DROP TABLE IF EXISTS ${table}`, `CREATE TABLE ${table} (key int PRIMARY KEY, list bigint[] NOT NULL)`],
  client: (random, place) => {
    let operations = 0;
    return () => {
      const firstKey = Math.floor(operations / operationsEach) * keysAtOnce;
      const number = uniqueNumber(place, operations++) * mostSteps;
      const wanted = Array.from({ length: random.between(1, mostSteps) }, (_, step): AppendStep => {
        const key = firstKey + random.between(0, keysAtOnce - 1);
        return random.chance(0.5) ? ['append', key, number + step] : ['r', key, null];
      });
      const readOnly = wanted.every(([kind]) => kind === 'r');
      return {
        action: 'transaction',
        value: wanted,
        port: readOnly && random.chance(0.5) ? 'ro' : 'rw',
        perform: async (connection) =>
          await attemptTransaction(connection, { readOnly }, async () => {
            const answered: AppendStep[] = [];
            for (const step of wanted) answered.push(await perform(connection, step));
            return answered;
          }),
      };
    };
  },
  async finalRead(connection) {
    const { rows } = await attemptStatement(connection, `SELECT key, list FROM ${table} ORDER BY key`, [], {
      readOnly: true,
    });
    return rows.map(({ key, list }): AppendStep => ['r', Number(key), numbers(list)]);
  },
};

async function perform(connection: ClientConnection, step: AppendStep): Promise<AppendStep> {
  const [kind, key, value] = step;
  if (kind === 'r') {
    const { rows } = await connection.query(`SELECT list FROM ${table} WHERE key = $1`, [key]);
    return ['r', key, numbers(rows[0]?.list ?? [])];
  }
  await connection.query(
    `INSERT INTO ${table} AS present VALUES ($1, ARRAY[$2::bigint]) ON CONFLICT (key) DO UPDATE SET list = present.list || EXCLUDED.list`,
    [key, value],
  );
  return step;
}

const numbers = (list: unknown): readonly number[] => (list as readonly unknown[]).map(Number);
