import { ambiguousRelationship, noRelationship } from '../errors/schema-errors.js';
import { mostSimilar } from './similar-name.js';
import { type KeyRelationship, nameKey, type QualifiedName, type Relationship, type SchemaCache } from './types.js';

/**
 * The relationship that `source?select=target!hint(…)` means. The target is a table, a computed relationship, or, towards tables, a foreign key's
 * name or its only column; the hint a foreign key's name, its only column on either side, or a junction. Throws PGRST200 and PGRST201.
 */
export function findRelationship(
  cache: SchemaCache,
  source: QualifiedName,
  target: string,
  hint: string | undefined,
): Relationship {
  const candidates = (cache.relationships.get(nameKey(source)) ?? []).filter(
    (relationship) => schemaOf(relationship) === source.schema,
  );
  const found = candidates.filter((relationship) => isMeant(relationship, target, hint));
  const [first, ...others] = found;
  if (first === undefined) {
    throw noRelationship({
      schema: source.schema,
      source: source.name,
      target,
      embedHint: hint,
      hint: suggest(cache, source, target, candidates),
    });
  }
  if (others.length > 0) throw ambiguousRelationship(source.name, target, found);
  return first;
}

/** A computed relationship is addressed by its function, which must lie in the request's schema like any target. */
function schemaOf(relationship: Relationship): string {
  return relationship.kind === 'computed' ? relationship.function.schema : relationship.target.schema;
}

function isMeant(relationship: Relationship, target: string, hint: string | undefined): boolean {
  if (relationship.kind === 'computed') return target === relationship.function.name;
  const isTarget = target === relationship.target.name;
  if (relationship.isSelf) return isMeantOfItself(relationship, isTarget, target, hint);
  if (hint === undefined) {
    if (isTarget) return true;
    if (relationship.kind !== 'key' || relationship.targetIsView) return false;
    return target === relationship.constraint || target === singleColumn(relationship, 'source');
  }
  if (!isTarget) return false;
  if (relationship.kind === 'junction') return hint === relationship.junction.table.name;
  return (
    hint === relationship.constraint ||
    hint === singleColumn(relationship, 'source') ||
    hint === singleColumn(relationship, 'target')
  );
}

/** One key makes two relationships here, so the table's name means the many and the column's name the one. */
function isMeantOfItself(
  relationship: Exclude<Relationship, { kind: 'computed' }>,
  isTarget: boolean,
  target: string,
  hint: string | undefined,
): boolean {
  if (relationship.kind === 'junction') return false;
  const isMany = relationship.cardinality === 'one-to-many';
  if (hint !== undefined) return isTarget && isMany && hint === singleColumn(relationship, 'target');
  if (isTarget) return isMany;
  return relationship.cardinality === 'many-to-one' && target === singleColumn(relationship, 'source');
}

function singleColumn({ columns }: KeyRelationship, side: 'source' | 'target'): string | undefined {
  return columns.length === 1 ? columns[0]?.[side] : undefined;
}

function suggest(
  cache: SchemaCache,
  source: QualifiedName,
  target: string,
  candidates: readonly Relationship[],
): string | null {
  if (candidates.length === 0) {
    // The source's name is right: there is nothing that can be embedded.
    if (cache.tables.has(nameKey(source))) return null;
    const sources = new Set<string>();
    for (const list of cache.relationships.values()) {
      for (const relationship of list) {
        if (relationship.source.schema === source.schema) sources.add(relationship.source.name);
      }
    }
    const similar = mostSimilar(sources, source.name);
    return similar === undefined ? null : `Perhaps you meant '${similar.name}' instead of '${source.name}'.`;
  }
  const similar = mostSimilar(
    candidates.map((relationship) => relationship.target.name),
    target,
  );
  // The target itself is related: then the hint was wrong.
  if (similar === undefined || similar.score === 1) return null;
  return `Perhaps you meant '${similar.name}' instead of '${target}'.`;
}
