import { supabasePolicy } from '@supabase/pg-delta';
import type { Policy, Predicate } from '@supabase/pg-delta/policy';

/** Names that either of the two databases knows. */
export interface KnownNames {
  readonly schemas: readonly string[];
  readonly roles: readonly string[];
  readonly publications: readonly string[];
}

const services = supabasePolicy.assumedSchemas ?? [];
const notTheApplications = [...services, 'holdfast'];

/**
 * Which objects are compared. Pure. By default what an application owns: not what is in a schema of Supabase's services or Holdfast's, but
 * the triggers and policies that it has put onto tables there. With `schemas` only what is in these, whosesoever they are, and extensions,
 * which they may need. Roles are named so that others may own things and be given them; they belong to the whole cluster and are not compared.
 */
export function comparedObjects(known: KnownNames, schemas: readonly string[] | undefined): Policy {
  const assumedRoles = [...known.roles];
  if (schemas !== undefined) {
    return {
      id: 'holdfast-schemas',
      filter: [
        { match: { kind: ['role', 'membership'] }, action: 'include' },
        { match: { not: { any: [isIn(schemas), { kind: 'extension' }] } }, action: 'exclude' },
      ],
      assumedRoles,
      assumedSchemas: known.schemas.filter((name) => !schemas.includes(name)),
      assumedPublications: [...known.publications],
    };
  }
  return {
    id: 'holdfast',
    filter: [
      { match: { all: [{ kind: 'policy' }, { schema: services }] }, action: 'include' },
      { match: { all: [{ kind: 'trigger' }, { schema: services }, { not: callsService }] }, action: 'include' },
      { match: isIn(notTheApplications), action: 'exclude' },
    ],
    assumedRoles,
    assumedSchemas: notTheApplications,
  };
}

/** Services have triggers of their own, with functions in their own schemas. */
const callsService: Predicate = { edgeTo: { kind: 'function', schema: services } };

/** In one of these schemas, the schema itself, or what is said about either (comments, grants). */
function isIn(schemas: readonly string[]): Predicate {
  const names = [...schemas];
  return {
    any: [
      { schema: names },
      { all: [{ kind: 'schema' }, { name: names }] },
      { target: { schema: names } },
      { target: { kind: 'schema', name: names } },
    ],
  };
}
