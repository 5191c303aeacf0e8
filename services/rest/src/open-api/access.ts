import type { Statement, StatementResult } from '@holdfast/postgres';

/** What of a schema the document shows. */
export interface Access {
  /** Names of tables. */
  readonly tables: ReadonlySet<string>;
  /** The ids of functions. */
  readonly routines: ReadonlySet<number>;
}

/**
 * What the current role may use of a schema (openapi-mode follow-privileges); to be run as the role that asks. One row: the tables' names and the
 * functions' oids, as JSON.
 */
export function accessStatement(schema: string): Statement {
  return {
    text: `
      select
        (select pg_catalog.json_agg(c.relname) from pg_catalog.pg_class c
         where c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition and (
           pg_catalog.pg_has_role(c.relowner, 'USAGE')
           or pg_catalog.has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
           or pg_catalog.has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))),
        (select pg_catalog.json_agg(p.oid::int8) from pg_catalog.pg_proc p
         where p.pronamespace = n.oid and pg_catalog.has_function_privilege(p.oid, 'EXECUTE'))
      from pg_catalog.pg_namespace n where n.nspname = $1`,
    values: [schema],
  };
}

export function readAccess(result: StatementResult | undefined): Access {
  const [tables, routines] = result?.rows[0] ?? [];
  return {
    tables: new Set(JSON.parse(tables ?? '[]') as readonly string[]),
    routines: new Set(JSON.parse(routines ?? '[]') as readonly number[]),
  };
}
