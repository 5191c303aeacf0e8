import pg from 'pg';

/** A name as SQL: `"a""b"`. */
export const quoteIdentifier: (name: string) => string = pg.escapeIdentifier;

/** A value as an SQL string: `'it''s'`. */
export const quoteLiteral: (value: string) => string = pg.escapeLiteral;
