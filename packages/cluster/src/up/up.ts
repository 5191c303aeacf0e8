import { type JsonObject, type Plan, statePaths } from '@holdfast/components';
import { formatVersion } from '@holdfast/migrations';
import { acquireLock, diffPlans, splitSpec, type UnitChange } from '@holdfast/runtime';
import { type ClusterSpec, requestedPorts, resolveSpec, type Secrets } from '@holdfast/spec';
import type { ClusterContext, Progress } from '../context.js';
import { notApproved, primaryWouldGo } from '../errors.js';
import { createContext, draftSpec, loadSpec, type OpenOptions, settleRuntime, thisMachine } from '../open-cluster.js';
import { applyDynamicConfiguration, type ConfigurationChange } from '../operations/config.js';
import { moveLeader } from '../operations/switchover.js';
import { resumePooler } from '../pooler/paused-pooler.js';
import { ensureKeys } from '../state/keys-file.js';
import { ensurePorts } from '../state/port-assignment.js';
import { ensureSecrets } from '../state/secrets-file.js';
import { type ClusterMarker, createStateDirectory, readMarker, writeMarker } from '../state/state-directory.js';
import { migrateSupabase, type SchemaStep } from '../supabase/migrate.js';
import { fetchView } from '../view/fetch-view.js';
import { type ClusterView, hasQuorum } from '../view/view.js';
import { createContainerGround } from './container-ground.js';
import type { Ground } from './ground.js';
import { createKubernetesGround } from './kubernetes-ground.js';
import { prepareDatabase } from './prepare-database.js';
import { createProcessGround } from './process-ground.js';
import type { StartEnvironment } from './repair.js';
import { planRollout } from './rollout.js';
import { createSplitGround } from './split-ground.js';
import {
  type Primary,
  waitForLatecomers,
  waitForMembers,
  waitForPooler,
  waitForPrimary,
  waitForReadWrite,
} from './wait-until-up.js';
import { wantedSettings } from './wanted-settings.js';
import { withPrimary } from './with-primary.js';

export interface UpOptions extends OpenOptions {
  /** False: never install anything. */
  readonly install: boolean;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** For each wait; a large database that must replay much WAL may need more. */
  readonly timeoutSeconds: number;
  /** Told what will change before anything does; `true` goes on. */
  readonly approve: (changes: readonly UnitChange[]) => Promise<boolean>;
}

export interface UpResult {
  readonly context: ClusterContext;
  /** What was done to units; empty: everything ran already. */
  readonly changes: readonly UnitChange[];
  /** Lines about Patroni's dynamic configuration. */
  readonly settings: readonly string[];
  /** Members on which a setting waits for a restart. */
  readonly pendingRestart: readonly string[];
  readonly view: ClusterView;
  /** Migrations of the database for Supabase that ran; empty: it was ready. */
  readonly schema: readonly SchemaStep[];
  readonly phases: readonly { readonly phase: string; readonly milliseconds: number }[];
}

/**
 * Brings the cluster that the spec describes up, or brings a running one to what the spec says now; does nothing when all is as it should be.
 * Interrupted at any point it leaves a state from which the next call goes on.
 */
export async function up(options: UpOptions): Promise<UpResult> {
  const { signal, progress } = options;
  const phases = new PhaseClock();
  const found = await loadSpec(options);
  const { name, dataDirectory } = draftSpec(found);
  const stateDirectory = await createStateDirectory(found.base, name, dataDirectory);
  await using _lock = await acquireLock(statePaths(stateDirectory).lock, 'holdfast up', signal);

  const marker = await readMarker(stateDirectory);
  const loaded = settleRuntime(found, options.runtime ?? found.file.runtime, marker);
  const draft = draftSpec(loaded);
  const ground = await prepareGround(draft, marker, stateDirectory, options);
  const secrets = await ensureSecrets(stateDirectory, marker?.systemIdentifier !== undefined);
  await ensureKeys(stateDirectory);
  const ports =
    requestedPorts(loaded.file) === 'auto'
      ? await ensurePorts(
          stateDirectory,
          { members: draft.members.length, etcd: draft.etcd.members.length },
          draft.listen,
        )
      : undefined;
  const spec = resolveSpec(loaded.file, thisMachine(), ports);
  const context = await createContext({ loaded, spec, stateDirectory, marker, secrets });
  const plan = await ground.plan(spec);
  phases.next('tools');

  const examined = await ground.examine(context, plan, signal);
  phases.next('checks');

  const pending = await examineChanges(context, await context.runtime.currentPlan(signal), plan, options);
  const wanted = wantedSettings(pending.running?.dynamicConfiguration ?? {}, plan.dynamicConfiguration);
  const early = pending.running === undefined ? undefined : await applySettings(context, wanted, signal);
  const startEnvironment = await examined.repair({ secrets, signal, progress });
  const changes = await applyPlan(context, pending, plan, secrets, startEnvironment, options);
  phases.next('start');

  progress.step('Waiting for a primary');
  const primary = await waitForPrimary(context, options.timeoutSeconds, signal);
  phases.next('primary');
  await recordCluster(context, primary, ground, signal);
  progress.step('Preparing the database');
  const [schema] = await Promise.all([
    prepareDatabases(context, secrets, options),
    waitForReadWrite(context, secrets, options.timeoutSeconds, signal),
  ]);
  phases.next('read-write port');
  const settings = early ?? (await applyDynamicConfiguration(context, wanted, signal));
  progress.step('Waiting for all members to stream');
  const view = await waitForMembers(context, options.timeoutSeconds, signal);
  if (spec.runtime === 'process') await waitForLatecomers(context, signal);
  if (spec.pooler.enabled) await openPooler(context, secrets, options);
  phases.next('members');
  return {
    context,
    changes,
    settings: settings.changed,
    pendingRestart: view.members.filter((member) => member.pendingRestart === true).map(({ name }) => name),
    view,
    schema,
    phases: phases.done,
  };
}

/** What the pooler needs, then what Supabase's services need. */
async function prepareDatabases(
  context: ClusterContext,
  secrets: Secrets,
  { signal, progress }: UpOptions,
): Promise<readonly SchemaStep[]> {
  await withPrimary(
    context,
    { secrets, signal },
    async (target, limit) => await prepareDatabase(target, secrets, limit),
  );
  if (!context.spec.supabase.enabled) return [];
  const { steps } = await migrateSupabase(context, {
    secrets,
    signal,
    onApplied: ({ database, version, name }) => progress.note(`${database}: ${formatVersion(version)}_${name}`),
  });
  return steps;
}

async function openPooler(context: ClusterContext, secrets: Secrets, options: UpOptions): Promise<void> {
  const { signal, progress, timeoutSeconds } = options;
  // A pooler that does not answer yet is not paused.
  const resumed = await resumePooler(context, signal).catch(() => false);
  if (resumed) progress.note('The pooler was paused; it goes on');
  await waitForPooler(context, secrets, timeoutSeconds, signal);
}

class PhaseClock {
  readonly done: { readonly phase: string; readonly milliseconds: number }[] = [];
  private since = performance.now();

  next(phase: string): void {
    const now = performance.now();
    this.done.push({ phase, milliseconds: Math.round(now - this.since) });
    this.since = now;
  }
}

/** What lies between a running cluster and the plan. */
interface PendingChanges {
  /** The plan in force; undefined: nothing runs. */
  readonly running: Plan | undefined;
  readonly differences: readonly UnitChange[];
  readonly leader: string | undefined;
}

/** Looks at what would change, refuses what must not, and asks. Nothing has been changed when it throws. */
async function examineChanges(
  context: ClusterContext,
  current: Plan | undefined,
  plan: Plan,
  options: UpOptions,
): Promise<PendingChanges> {
  const { signal } = options;
  const running = current !== undefined && (await context.runtime.isActive(signal)) ? current : undefined;
  const differences = running === undefined ? [] : diffPlans(running, plan);
  if (differences.length === 0) return { running, differences, leader: undefined };
  const { leader } = await fetchView(context, signal);
  const removesPrimary = differences.some(({ unit, action }) => unit === leader && action === 'remove');
  if (leader !== undefined && removesPrimary) throw primaryWouldGo(leader);
  if (!(await options.approve(differences))) throw notApproved();
  return { running, differences, leader };
}

/** Patroni's dynamic configuration before any unit changes; undefined: too early, as long as there is no leader, or no etcd to keep it. */
async function applySettings(
  context: ClusterContext,
  wanted: JsonObject,
  signal: AbortSignal,
): Promise<ConfigurationChange | undefined> {
  const view = await fetchView(context, signal);
  if (view.leader === undefined || !hasQuorum(view)) return undefined;
  return await applyDynamicConfiguration(context, wanted, signal);
}

/** Applies the plan, one careful step after the other where members of a running cluster must restart. */
async function applyPlan(
  context: ClusterContext,
  { running, differences, leader }: PendingChanges,
  plan: Plan,
  secrets: Secrets,
  startEnvironment: StartEnvironment,
  options: UpOptions,
): Promise<readonly UnitChange[]> {
  const { signal, progress } = options;
  const done: UnitChange[] = [];
  for (const step of planRollout(running, plan, differences, leader)) {
    if (step.switchoverFirst) await moveLeader(context, { signal, progress });
    if (step.restarts !== undefined) progress.step(`Restarting ${step.restarts} with its new configuration`);
    else progress.step('Starting what does not run yet');
    const note = (text: string) => progress.note(text);
    done.push(...(await context.runtime.apply(step.plan, { signal, secrets, startEnvironment, note })));
    if (step.restarts !== undefined) await waitForMembers(context, options.timeoutSeconds, signal);
  }
  return done;
}

/** Once a primary is there, the state folder remembers which database it belongs to. */
async function recordCluster(
  context: ClusterContext,
  primary: Primary,
  { postgresMajor, systemIdentifier }: Ground,
  signal: AbortSignal,
): Promise<void> {
  const { stateDirectory } = context;
  const marker = await readMarker(stateDirectory);
  if (marker === undefined || marker.systemIdentifier !== undefined) return;
  const identifier = await systemIdentifier(context, primary.name, signal);
  if (identifier === undefined) return;
  await writeMarker(stateDirectory, { ...marker, systemIdentifier: identifier, postgresMajor });
}

async function prepareGround(
  spec: ClusterSpec,
  marker: ClusterMarker | undefined,
  stateDirectory: string,
  options: UpOptions,
): Promise<Ground> {
  const { signal, progress, install } = options;
  const given = { spec, marker, stateDirectory, install, signal, progress };
  const split = splitSpec(spec);
  if (split !== undefined) return await createSplitGround(split, given);
  if (spec.runtime === 'kubernetes') return await createKubernetesGround(given);
  return spec.runtime === 'docker' ? await createContainerGround(given) : await createProcessGround(given);
}
