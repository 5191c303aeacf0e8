import { readFile } from 'node:fs/promises';
import { type JsonObject, type Plan, planCluster, superuserRole } from '@holdfast/components';
import { connect } from '@holdfast/postgres';
import {
  diffPlans,
  findAccounts,
  findTools,
  joinPlans,
  planDocker,
  planKubernetes,
  planSplit,
  splitSpec,
  type ToolSearch,
  type UnitChange,
} from '@holdfast/runtime';
import { fillTemplate, type Secrets } from '@holdfast/spec';
import type { ClusterContext } from '../context.js';
import { patroniOf, spokesman } from '../operations/find-member.js';
import { readMarker } from '../state/state-directory.js';
import type { ClusterView } from '../view/view.js';
import type { DriftFacts } from './check-drift.js';
import type { SlotFact } from './check-slots.js';

/** The programs that `up` would use, and the plan that it would apply. */
export async function gatherWanted(
  context: ClusterContext,
  signal: AbortSignal,
): Promise<{ readonly search: ToolSearch | undefined; readonly plan: Plan | undefined }> {
  const { spec, stateDirectory } = context;
  // Images hold the programs.
  if (context.runtime.kind === 'kubernetes') {
    const inside = spec.inside ?? spec;
    const split = splitSpec(inside);
    return { search: undefined, plan: split === undefined ? planKubernetes(inside).plan : joinPlans(planSplit(split)) };
  }
  if (context.runtime.kind === 'docker') return { search: undefined, plan: planDocker(spec).plan };
  const marker = await readMarker(stateDirectory);
  const search = await findTools({ major: spec.postgres.version ?? marker?.postgresMajor, signal });
  if (!search.tools) return { search, plan: undefined };
  const layout = { stateDirectory, tools: search.tools, accounts: await findAccounts() };
  return { search, plan: planCluster({ spec, layout }) };
}

export function pendingChanges(current: Plan | undefined, wanted: Plan | undefined): readonly UnitChange[] | undefined {
  return current && wanted ? diffPlans(current, wanted) : undefined;
}

/** Patroni's dynamic configuration as it is. Throws when no Patroni answers. */
export async function gatherConfiguration(
  context: ClusterContext,
  view: ClusterView,
  signal: AbortSignal,
): Promise<JsonObject> {
  return await patroniOf(context, spokesman(view)).config(signal);
}

/** Compares the files of a plan with what lies there, secrets filled in; answers paths, never contents. */
export async function gatherFiles(plan: Plan | undefined, secrets: Secrets | undefined): Promise<DriftFacts['files']> {
  if (!secrets) return [];
  const problems = await Promise.all(
    (plan?.units ?? []).flatMap(({ files }) =>
      files.map(async ({ path, content }): Promise<DriftFacts['files']> => {
        try {
          return (await readFile(path, 'utf8')) === fillTemplate(content, secrets)
            ? []
            : [{ path, problem: 'changed' }];
        } catch (error) {
          const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
          return [{ path, problem: missing ? 'missing' : 'unreadable' }];
        }
      }),
    ),
  );
  return problems.flat();
}

/** Replication slots of the primary. Throws when there is none or it cannot be reached. */
export async function gatherSlots(context: ClusterContext, view: ClusterView): Promise<readonly SlotFact[]> {
  const primary = view.members.find(({ role }) => role === 'primary');
  if (!primary || !context.secrets) throw new Error('there is no primary to ask');
  await using connection = await connect(
    {
      host: primary.host,
      port: primary.port,
      user: superuserRole,
      password: context.secrets.postgres,
      database: 'postgres',
    },
    { timeoutMilliseconds: 1500, statementTimeoutMilliseconds: 1500, applicationName: 'holdfast doctor' },
  );
  const rows = await connection.query<{
    slot_name: string;
    slot_type: string;
    active: boolean;
    kept: string | null;
    wal_status: string | null;
  }>(
    `SELECT slot_name, slot_type, active, wal_status,
            greatest(0, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn))::bigint::text AS kept
       FROM pg_replication_slots ORDER BY slot_name`,
  );
  return rows.map((row) => ({
    name: row.slot_name,
    type: row.slot_type,
    active: row.active,
    keptBytes: row.kept === null ? undefined : Number(row.kept),
    walStatus: row.wal_status ?? undefined,
  }));
}
