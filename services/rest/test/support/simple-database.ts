import type { ConnectionTarget, Database, Statement, StatementResult, TransactionOptions } from '@holdfast/postgres';
import pg from 'pg';

const asText = { getTypeParser: () => (value: string | Buffer) => String(value) };

/** The contract over pg's own pool, without riding through anything: for tests of what is above it. */
export function openSimpleDatabase(target: ConnectionTarget, connections = 8): Database {
  const pool = new pg.Pool({ ...target, max: connections });
  pool.on('error', () => {});

  async function send(client: pg.PoolClient, { text, values, name }: Statement): Promise<StatementResult> {
    const result = await client.query<(string | null)[]>({
      text,
      values: [...(values ?? [])],
      rowMode: 'array',
      types: asText,
      ...(name === undefined ? {} : { name }),
    });
    return {
      columns: result.fields.map((field) => ({ name: field.name, typeId: field.dataTypeID })),
      rows: result.rows,
      count: result.rowCount ?? 0,
    };
  }

  async function transaction<T>(
    options: TransactionOptions,
    work: (run: (...statements: readonly Statement[]) => Promise<readonly StatementResult[]>) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    signal.throwIfAborted();
    const client = await pool.connect();
    try {
      await client.query(`begin isolation level ${options.isolation ?? 'read committed'} ${options.access}`);
      const value = await work(async (...statements) => {
        const results: StatementResult[] = [];
        for (const statement of statements) results.push(await send(client, statement));
        return results;
      });
      await client.query(options.end ?? 'commit');
      return value;
    } catch (error) {
      await client.query('rollback').catch(() => {});
      throw error;
    } finally {
      client.release();
    }
  }

  return {
    transaction,
    pipeline: async (statements, options, signal) =>
      await transaction(options, async (run) => await run(...statements), signal),
    listen(channel, handlers) {
      const client = new pg.Client(target);
      client.on('error', () => {});
      client.on('notification', ({ payload }) => handlers.onNotification(payload ?? ''));
      const started = client.connect().then(async () => {
        await client.query(`listen ${pg.escapeIdentifier(channel)}`);
        handlers.onListening();
      });
      started.catch(() => {});
      return {
        async [Symbol.asyncDispose]() {
          await started.catch(() => {});
          await client.end();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await pool.end();
    },
  };
}
