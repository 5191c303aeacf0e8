import { attemptStatement } from './attempt.js';
import { chaosSchema, uniqueNumber, type Workload } from './workload.js';

const table = `${chaosSchema}.elements`;

/** Unique numbers are inserted, one statement each. No unique index, so that a number that is inserted twice is seen. */
export const setWorkload: Workload = {
  name: 'set',
  defaultIsolation: 'read committed',
  options: {},
  prepare: [`DROP TABLE IF EXISTS ${table}`, `CREATE TABLE ${table} (element bigint NOT NULL)`],
  client: (_random, place) => {
    let operations = 0;
    return () => {
      const value = uniqueNumber(place, operations++);
      return {
        action: 'add',
        value,
        port: 'rw',
        async perform(connection) {
          await attemptStatement(connection, `INSERT INTO ${table} VALUES ($1)`, [value], { readOnly: false });
          return value;
        },
      };
    };
  },
  async finalRead(connection) {
    const { rows } = await attemptStatement(connection, `SELECT element FROM ${table} ORDER BY element`, [], {
      readOnly: true,
    });
    return rows.map(({ element }) => Number(element));
  },
};
