import { tableNotFound } from '../errors/schema-errors.js';
import { leastNameScore, mostSimilar } from './similar-name.js';
import { nameKey, type QualifiedName, type SchemaCache, type Table } from './types.js';

/** Throws PGRST205, with the most similar name of the schema. */
export function findTable(cache: SchemaCache, wanted: QualifiedName): Table {
  const table = cache.tables.get(nameKey(wanted));
  if (table !== undefined) return table;
  const names = [...cache.tables.values()].flatMap(({ schema, name }) => (schema === wanted.schema ? [name] : []));
  const similar = mostSimilar(names, wanted.name, leastNameScore);
  const hint = similar === undefined ? null : `Perhaps you meant the table '${wanted.schema}.${similar.name}'`;
  throw tableNotFound(wanted.schema, wanted.name, hint);
}
