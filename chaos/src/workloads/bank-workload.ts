import type { Balances, BankRules, BankState, Transfer } from '../checkers/check-bank.js';
import { attemptStatement, attemptTransaction, declined } from './attempt.js';
import type { ClientConnection } from './connection.js';
import { chaosSchema, uniqueNumber, type Workload } from './workload.js';

const accounts = `${chaosSchema}.accounts`;
const ledger = `${chaosSchema}.ledger`;

export const bankRules = { accounts: 8, initialBalance: 100, negativeAllowed: false } as const satisfies BankRules;

/**
 * Transfers between accounts, each with its row in a ledger, and reads of all balances. Both accounts are locked in order before they are
 * looked at: under read committed nothing else forbids to spend twice, and under the others it makes waits out of most conflicts.
 */
export const bankWorkload: Workload = {
  name: 'bank',
  defaultIsolation: 'serializable',
  options: { ...bankRules },
  prepare: [
    `DROP TABLE IF EXISTS ${accounts}, ${ledger}`,
    `CREATE TABLE ${accounts} (account int PRIMARY KEY, balance bigint NOT NULL)`,
    `CREATE TABLE ${ledger} (transfer bigint NOT NULL, source int NOT NULL, target int NOT NULL, amount bigint NOT NULL)`,
    `INSERT INTO ${accounts} SELECT account, ${bankRules.initialBalance} FROM generate_series(0, ${bankRules.accounts - 1}) AS account`,
  ],
  client: (random, place) => {
    let operations = 0;
    return () => {
      const id = uniqueNumber(place, operations++);
      const [from = 0, to = 1] = random.shuffle(Array.from({ length: bankRules.accounts }, (_, account) => account));
      const transfer = { id, from, to, amount: random.between(1, 10) };
      if (random.chance(0.75)) {
        return {
          action: 'transfer',
          value: transfer,
          port: 'rw',
          perform: async (connection) => await move(connection, transfer),
        };
      }
      return { action: 'read', value: null, port: random.chance(0.5) ? 'ro' : 'rw', perform: readBalances };
    };
  },
  async finalRead(connection): Promise<BankState> {
    // One statement, so that both are of one snapshot under every level.
    const { rows } = await attemptStatement(
      connection,
      `SELECT (SELECT array_agg(balance ORDER BY account) FROM ${accounts}) AS balances,
        (SELECT array_agg(ARRAY[transfer, source, target, amount] ORDER BY transfer) FROM ${ledger}) AS ledger`,
      [],
      { readOnly: true },
    );
    const transfers = (rows[0]?.ledger ?? []) as readonly (readonly unknown[])[];
    return {
      balances: ((rows[0]?.balances ?? []) as readonly unknown[]).map(Number),
      ledger: transfers.map(([id, from, to, amount]) => [Number(id), Number(from), Number(to), Number(amount)]),
    };
  },
};

async function move(connection: ClientConnection, { id, from, to, amount }: Transfer): Promise<Transfer> {
  return await attemptTransaction(connection, { readOnly: false }, async () => {
    const { rows } = await connection.query(
      `SELECT account, balance FROM ${accounts} WHERE account IN ($1, $2) ORDER BY account FOR UPDATE`,
      [from, to],
    );
    const balance = Number(rows.find(({ account }) => account === from)?.balance);
    if (!(balance >= amount)) throw declined('insufficient', `account ${from} holds ${balance}`);
    await connection.query(`UPDATE ${accounts} SET balance = balance - $2 WHERE account = $1`, [from, amount]);
    await connection.query(`UPDATE ${accounts} SET balance = balance + $2 WHERE account = $1`, [to, amount]);
    await connection.query(`INSERT INTO ${ledger} VALUES ($1, $2, $3, $4)`, [id, from, to, amount]);
    return { id, from, to, amount };
  });
}

async function readBalances(connection: ClientConnection): Promise<Balances> {
  const { rows } = await attemptStatement(connection, `SELECT balance FROM ${accounts} ORDER BY account`, [], {
    readOnly: true,
  });
  return rows.map(({ balance }) => Number(balance));
}
