import type { Pool } from '@holdfast/postgres';
import {
  type Diagnostic,
  type FactBase,
  type IntegrationProfile,
  type Plan,
  plan,
  resolveProfile,
  supabaseProfile,
} from '@supabase/pg-delta';
import { comparedObjects, type KnownNames } from './compared-objects.js';

/** A database as its catalogs describe it. */
export interface Catalog {
  readonly facts: FactBase;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads all of it in one read-only transaction. Rejects when that takes longer than the limit for one statement. */
export async function readCatalog({ pool }: Pool, statementTimeoutMilliseconds: number): Promise<Catalog> {
  const { extract } = await resolveProfile(pool, profileOf(undefined));
  const { factBase, diagnostics } = await extract(pool, { statementTimeoutMs: statementTimeoutMilliseconds });
  return { facts: factBase, diagnostics };
}

export function namesIn(catalogs: readonly Catalog[]): KnownNames {
  const of = (kind: 'schema' | 'role' | 'publication') => [
    ...new Set(catalogs.flatMap(({ facts }) => facts.facts().flatMap(({ id }) => (id.kind === kind ? [id.name] : [])))),
  ];
  return { schemas: of('schema'), roles: of('role'), publications: of('publication') };
}

/** What leads from one database to the other. Both must know the same roles. `pool`: of either, for what the library asks of it. */
export async function planDifference(
  { pool }: Pool,
  from: Catalog,
  to: Catalog,
  schemas: readonly string[] | undefined,
): Promise<Plan> {
  const policy = comparedObjects(namesIn([from, to]), schemas);
  const { planOptions } = await resolveProfile(pool, profileOf(policy));
  // A rename is never guessed: `prompt` names what may be one.
  return plan(from.facts, to.facts, { ...planOptions, scope: 'database', renames: 'prompt' });
}

function profileOf(policy: IntegrationProfile['policy']): IntegrationProfile {
  return { id: 'holdfast', handlers: supabaseProfile.handlers, ...(policy === undefined ? {} : { policy }) };
}
