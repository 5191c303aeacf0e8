import { memberDataDirectory, planCluster } from '@holdfast/components';
import { ensureTools, findAccounts } from '@holdfast/runtime';
import { inspectDataDirectory } from './data-directory.js';
import type { Ground, GroundOptions } from './ground.js';
import { gatherPreflightFacts, judgePreflight } from './preflight.js';
import { repair } from './repair.js';

/** This machine: its programs, found or installed, and the data below the state folder. */
export async function createProcessGround(options: GroundOptions): Promise<Ground> {
  const { spec: draft, marker, stateDirectory, install, signal, progress } = options;
  progress.step('Looking for PostgreSQL, Patroni, etcd, HAProxy and PgBouncer');
  const major = draft.postgres.version ?? marker?.postgresMajor;
  const tools = await ensureTools({ major, install, signal, progress: (text) => progress.note(text) });
  const { postgresMajor } = tools;
  return {
    postgresMajor,
    plan: async (spec) => planCluster({ spec, layout: { stateDirectory, tools, accounts: await findAccounts() } }),
    async examine(context, plan, limit) {
      const { spec, runtime } = context;
      const facts = await gatherPreflightFacts({ spec, plan, postgresMajor, stateDirectory, runtime, signal: limit });
      const verdict = judgePreflight(facts);
      if (verdict.refusal !== undefined) throw verdict.refusal;
      return {
        repair: async (given) => await repair({ context, plan, verdict, members: facts.members, ...given }),
      };
    },
    async systemIdentifier(_context, member) {
      const content = await inspectDataDirectory(memberDataDirectory(stateDirectory, member));
      return content.kind === 'database' ? content.systemIdentifier : undefined;
    },
  };
}
