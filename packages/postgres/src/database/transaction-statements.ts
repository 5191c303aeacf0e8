import type { Statement, TransactionOptions } from '../database.js';

const isolations = {
  'read committed': 'READ COMMITTED',
  'repeatable read': 'REPEATABLE READ',
  serializable: 'SERIALIZABLE',
} as const;

const begins = new Map<string, Statement>();

/** Everything is said, so that no default of the role or the database says otherwise. Pure. */
export function beginStatement({ access, isolation = 'read committed' }: TransactionOptions): Statement {
  const key = `${access}/${isolation}`;
  const known = begins.get(key);
  if (known !== undefined) return known;
  const writes = access === 'read write' ? 'READ WRITE' : 'READ ONLY';
  const made = {
    name: `holdfast begin ${key}`,
    text: `BEGIN ISOLATION LEVEL ${isolations[isolation]} ${writes}`,
  };
  begins.set(key, made);
  return made;
}

const commit: Statement = { name: 'holdfast commit', text: 'COMMIT' };
const rollback: Statement = { name: 'holdfast rollback', text: 'ROLLBACK' };

/** Pure. */
export function endStatement({ end }: TransactionOptions): Statement {
  return end === 'rollback' ? rollback : commit;
}

/** The transaction's number, null when it has written nothing, and where the log's end is. For anybody. */
export const traceQuestion: Statement = {
  name: 'holdfast trace',
  text: 'SELECT pg_catalog.pg_current_xact_id_if_assigned()::text, pg_catalog.pg_current_wal_insert_lsn()::text',
};

/** Whether it must be found out what became of it when its connection breaks. Pure. */
export function isTraced({ access, end, repeatable }: TransactionOptions): boolean {
  return access === 'read write' && end !== 'rollback' && repeatable !== true;
}
