import { setTimeout as sleep } from 'node:timers/promises';
import type { Plan, Unit } from '@holdfast/components';
import { statePaths } from '@holdfast/components/paths';
import { diffPlans, diffUnits, fileAction, mergeChanges } from '../../diff-plans.js';
import { unknownUnit } from '../../errors.js';
import type { UnitChange, UnitStatus } from '../../runtime.js';
import { writeFileAtomically } from '../atomic-file.js';
import { lastLines, logLimits, rotateLog, unitLog } from '../log-files.js';
import { readPlan } from '../plan-file.js';
import { filesThatDiffer, hashEnvironment, removeFiles, removeUnitFolder, unitAccount } from '../prepare-unit.js';
import { type ProcessStat, signalProcess } from '../proc.js';
import { readSecrets } from '../secrets-file.js';
import { findUnitProcesses } from '../unit-processes.js';
import { readRecords } from '../unit-record.js';
import { monotonicNow, SupervisedUnit, type Surroundings } from './supervised-unit.js';

type StartEnvironment = Readonly<Record<string, Readonly<Record<string, string>>>>;

const watchPause = { whileStopping: 50, otherwise: 200 };
const rotationPause = 2_000;

/**
 * Milliseconds between two launches of one apply. Three etcd members that start in the same instant find no peer port open yet and
 * elect their first leader only after two seconds in every other run; 30 ms apart they take 0.3 to 0.4 s.
 */
const startGap = 30;

/** Keeps the units of one cluster running. */
export class Supervisor {
  readonly #stateDirectory: string;
  readonly #units = new Map<string, SupervisedUnit>();
  readonly #surroundings: Surroundings;
  readonly #rotation: NodeJS.Timeout;
  #watching: NodeJS.Timeout | undefined;
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(stateDirectory: string, log: (text: string) => void) {
    this.#stateDirectory = stateDirectory;
    this.#surroundings = {
      stateDirectory,
      log,
      processesOf: (unit) => this.#findProcesses([unit]).get(unit.unit.id) ?? [],
      dependenciesReady: (unit) => this.#dependenciesReady(unit),
      changed: (unit) => this.#changed(unit),
    };
    this.#rotation = setInterval(() => this.#rotateLogs(), rotationPause);
  }

  /** Finds what an earlier supervisor left running. Starts and stops nothing. */
  takeBack(): void {
    const plan = readPlan(this.#stateDirectory);
    const records = new Map(readRecords(this.#stateDirectory).map((record) => [record.unit.id, record]));
    for (const unit of plan?.units ?? []) this.#units.set(unit.id, new SupervisedUnit(unit, this.#surroundings));
    for (const { unit } of records.values()) {
      if (!this.#units.has(unit.id)) this.#units.set(unit.id, new SupervisedUnit(unit, this.#surroundings));
    }
    const processes = this.#findProcesses([...this.#units.values()]);
    for (const [id, unit] of this.#units) unit.adopt(records.get(id), processes.get(id) ?? []);
    this.#watchOn();
  }

  /** Starts what the plan wants running and nobody asked to stop. */
  startWanted(): void {
    for (const unit of readPlan(this.#stateDirectory)?.units ?? []) {
      const known = this.#units.get(unit.id);
      if (known?.record?.stopped !== true) known?.start();
    }
  }

  /** Resolves when the files are written, signals sent, and everything that has to end before something else starts has ended. */
  apply(plan: Plan, startEnvironment: StartEnvironment): Promise<readonly UnitChange[]> {
    return this.#oneAtATime(async () => {
      for (const unit of plan.units) unitAccount(unit);
      const changes = this.#changesTo(plan);
      // First of all, so that an apply that is cut off here is finished by the next one.
      writeFileAtomically(statePaths(this.#stateDirectory).plan, `${JSON.stringify(plan, null, 2)}\n`, {
        mode: 0o600,
        durable: true,
      });
      const changeOf = new Map(changes.map((change) => [change.unit, change]));
      const toStop = changes.filter(({ action }) => action === 'remove' || action === 'restart');
      await Promise.all(toStop.map(({ unit }) => this.#units.get(unit)?.stop({ remember: false })));
      for (const { unit, action } of changes) if (action === 'remove') this.#remove(unit);
      // All definitions before the first start: dependencies are looked up among them.
      const units = plan.units.map((unit) => {
        const known = this.#units.get(unit.id) ?? new SupervisedUnit(unit, this.#surroundings);
        this.#units.set(unit.id, known);
        const before = (known.record?.unit ?? known.unit).files;
        removeFiles(before.filter((old) => !unit.files.some((file) => file.path === old.path)));
        return { known, unit, action: changeOf.get(unit.id)?.action };
      });
      for (const { known, unit, action } of units) {
        const environment = startEnvironment[unit.id];
        // What goes on running has no next start that this call is about.
        const willStart = known.main === undefined || action === 'restart';
        if (environment !== undefined && willStart) known.useEnvironmentOnce(environment);
        if (action === 'write') known.reload(unit, undefined);
        if (action === 'reload') known.reload(unit, unit.reloadSignal);
        known.unit = unit;
      }
      const starts = units.filter(({ action }) => action === 'start' || action === 'restart');
      const waitsByItself = ({ unit }: (typeof starts)[number]) => unit.after?.waitsByItself === true;
      // What they wait for takes less long than what they do meanwhile.
      for (const { known } of starts.filter(waitsByItself)) known.start();
      for (const { known } of starts.filter((each) => !waitsByItself(each))) {
        known.start();
        if (known.main !== undefined) await sleep(startGap);
      }
      // Dependencies may have become fewer.
      for (const { known } of units) known.handle({ type: 'tick' });
      return changes;
    });
  }

  status(): UnitStatus[] {
    const processes = this.#findProcesses([...this.#units.values()]);
    return [...this.#units.values()].map((supervised) => {
      const { unit, machine, main } = supervised;
      const wallClock = (monotonic: number) => new Date(Date.now() - (monotonicNow() - monotonic)).toISOString();
      const inBackoff = machine.state === 'backoff';
      return {
        id: unit.id,
        component: unit.component,
        state: machine.state,
        pid: main?.pid,
        pids: (processes.get(unit.id) ?? []).map((each) => each.pid),
        since: wallClock(machine.since),
        restarts: machine.restarts,
        lastEnd: machine.lastEnd,
        lastOutput: inBackoff ? lastLines(unitLog(this.#stateDirectory, unit.id), 5) : undefined,
        nextStartAt: inBackoff && machine.deadline !== undefined ? wallClock(machine.deadline) : undefined,
      };
    });
  }

  /** Throws HF_RUNTIME_UNKNOWN_UNIT. */
  unit(id: string): SupervisedUnit {
    const unit = this.#units.get(id);
    if (unit === undefined) throw unknownUnit(id, [...this.#units.keys()]);
    return unit;
  }

  /** Stops the groups one after the other, then every other unit, then whatever still carries this cluster's mark. */
  down(groups: readonly (readonly string[])[]): Promise<void> {
    return this.#oneAtATime(async () => {
      for (const group of [...groups, [...this.#units.keys()]]) {
        await Promise.all(group.map((id) => this.#units.get(id)?.stop({ remember: false })));
      }
      for (const processes of this.#findProcesses([]).values()) {
        for (const each of processes) signalProcess(each, 'SIGKILL');
      }
      for (const unit of this.#units.values()) unit.forget();
    });
  }

  /** Looks after nothing any more; the units go on. */
  letGo(): void {
    clearInterval(this.#rotation);
    clearTimeout(this.#watching);
    for (const unit of this.#units.values()) unit.letGo();
  }

  #changesTo(plan: Plan): UnitChange[] {
    const wanted = new Set(plan.units.map((unit) => unit.id));
    const all = [...this.#units.values()];
    const runs = (unit: SupervisedUnit) => unit.main !== undefined && unit.machine.state !== 'stopping';
    const asRunning = all
      .filter((known) => runs(known) || !wanted.has(known.unit.id))
      .map((known) => known.record?.unit ?? known.unit);
    const planned = diffPlans({ ...plan, units: asRunning }, plan).flatMap((change) => {
      const known = this.#units.get(change.unit);
      if (change.action !== 'start' || known === undefined) return [change];
      if (known.machine.state !== 'waiting' && known.machine.state !== 'backoff')
        return [{ ...change, because: ['stopped'] }];
      const unit = plan.units.find(({ id }) => id === change.unit);
      const different = unit === undefined ? undefined : diffUnits(known.unit, unit);
      return different === undefined ? [] : [{ ...different, action: 'start' as const }];
    });
    const removals = planned.filter(({ action }) => action === 'remove');
    const starts = planned.filter(({ action }) => action === 'start');
    const changes = plan.units.flatMap((unit) => {
      const known = this.#units.get(unit.id);
      if (known === undefined || !runs(known)) return [];
      const change = planned.find((each) => each.unit === unit.id);
      return (
        [change, ...this.#drift(unit, known)].reduce(
          (one, other) => (other === undefined ? one : mergeChanges(one, other)),
          undefined,
        ) ?? []
      );
    });
    return [...removals, ...changes, ...starts];
  }

  /** What is not as the unit wants it although the unit did not change: files touched by others, new secrets. */
  #drift(unit: Unit, { record }: SupervisedUnit): UnitChange[] {
    const secrets = readSecrets(this.#stateDirectory);
    const drift: UnitChange[] = filesThatDiffer(unit, secrets).map((file) => ({
      unit: unit.id,
      action: fileAction(unit, file),
      because: [`file ${file.path}`],
    }));
    const sameNames =
      record !== undefined &&
      diffUnits(record.unit, unit)?.because.some((reason) => reason.startsWith('env ')) !== true;
    if (sameNames && record.environment !== '' && record.environment !== hashEnvironment(unit, secrets)) {
      drift.push({ unit: unit.id, action: 'restart', because: ['a secret in its environment'] });
    }
    return drift;
  }

  #remove(id: string): void {
    const unit = this.#units.get(id);
    if (unit === undefined) return;
    unit.letGo();
    removeFiles((unit.record?.unit ?? unit.unit).files);
    removeUnitFolder(this.#stateDirectory, id);
    unit.forget();
    this.#units.delete(id);
  }

  #dependenciesReady({ after }: Unit): boolean {
    if (after === undefined || after.waitsByItself === true) return true;
    const ready = after.units.filter((id) => this.#units.get(id)?.machine.state === 'ready');
    return ready.length >= after.atLeast;
  }

  #changed(changed: SupervisedUnit): void {
    clearTimeout(this.#watching);
    this.#watching = undefined;
    this.#watchOn();
    for (const unit of this.#units.values()) if (unit !== changed) unit.handle({ type: 'tick' });
  }

  #findProcesses(units: readonly SupervisedUnit[]): Map<string, ProcessStat[]> {
    return findUnitProcesses(
      this.#stateDirectory,
      units.map(({ unit, main, record }) => ({ unit: record?.unit ?? unit, main })),
    );
  }

  #watchOn(): void {
    if (this.#watching !== undefined) return;
    const watched = [...this.#units.values()].filter((unit) => unit.needsWatching);
    if (watched.length === 0) return;
    const stopping = watched.some((unit) => unit.machine.state === 'stopping');
    this.#watching = setTimeout(
      () => {
        let processes: Map<string, ProcessStat[]> | undefined;
        for (const unit of watched) {
          unit.watch(() => {
            processes ??= this.#findProcesses(watched);
            return processes.get(unit.unit.id) ?? [];
          });
        }
        this.#watching = undefined;
        this.#watchOn();
      },
      stopping ? watchPause.whileStopping : watchPause.otherwise,
    );
  }

  #rotateLogs(): void {
    const logs = [...this.#units.keys()].map((id) => unitLog(this.#stateDirectory, id));
    for (const path of [...logs, statePaths(this.#stateDirectory).supervisorLog]) {
      try {
        rotateLog(path, logLimits);
      } catch (error) {
        this.#surroundings.log(`${path} could not be rotated: ${(error as Error).message}`);
      }
    }
  }

  async #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#lastChange;
    const done = before.then(work, work);
    this.#lastChange = done.catch(() => undefined);
    return await done;
  }
}
