import type { ChildProcess } from 'node:child_process';
import type { Unit } from '@holdfast/components';
import { unitWouldNotStop } from '../../errors.js';
import { launchUnit } from '../launch-unit.js';
import { hashEnvironment, prepareUnit } from '../prepare-unit.js';
import { bootId, isAlive, type ProcessIdentity, type ProcessStat, readStat, signalProcess } from '../proc.js';
import { readSecrets } from '../secrets-file.js';
import { findMainProcess, rootsOf } from '../unit-processes.js';
import { deleteRecord, type UnitRecord, writeRecord } from '../unit-record.js';
import { awaitReady } from './await-ready.js';
import { adoptedMachine, type Machine, step, stoppedMachine, type UnitEvent } from './unit-state.js';
import { Yielding } from './yielding.js';

/** What a unit needs from the supervisor around it. */
export interface Surroundings {
  readonly stateDirectory: string;
  readonly log: (text: string) => void;
  /** The unit's processes as they are right now. */
  readonly processesOf: (unit: SupervisedUnit) => readonly ProcessStat[];
  readonly dependenciesReady: (unit: Unit) => boolean;
  readonly changed: (unit: SupervisedUnit) => void;
}

/** Milliseconds that only go forward, whatever happens to the clock on the wall. */
export const monotonicNow = () => performance.now();

/** How long SIGKILL may take to be obeyed; a process in an uninterruptible system call takes longer. */
const killLimit = 10_000;

/** Carries out what the state machine of one unit decides. */
export class SupervisedUnit {
  readonly #surroundings: Surroundings;
  #machine: Machine = stoppedMachine(monotonicNow());
  #main: ProcessIdentity | undefined;
  /** Undefined while nothing runs that was started or adopted. */
  #record: UnitRecord | undefined;
  #adopted = false;
  #clearing = 0;
  #nextEnvironment: Readonly<Record<string, string>> = {};
  #timer: NodeJS.Timeout | undefined;
  #probe: AbortController | undefined;
  #yielding: Yielding | undefined;
  readonly #events: UnitEvent[] = [];
  #handling = false;
  readonly #waiters = new Set<() => void>();

  /** `unit` is what the next launch uses; what runs is in the record. */
  constructor(
    public unit: Unit,
    surroundings: Surroundings,
  ) {
    this.#surroundings = surroundings;
  }

  get machine(): Machine {
    return this.#machine;
  }

  get main(): ProcessIdentity | undefined {
    return this.#main;
  }

  get record(): UnitRecord | undefined {
    return this.#record;
  }

  /** Whether it has to be looked after by looking at /proc. */
  get needsWatching(): boolean {
    return this.#machine.state === 'stopping' || (this.#adopted && this.#main !== undefined);
  }

  /** Takes back what an earlier supervisor started: by its record, or, lacking that, by its mark. */
  adopt(record: UnitRecord | undefined, processes: readonly ProcessStat[]): void {
    this.#record = record;
    const wasStopped = record?.stopped === true;
    this.#findMain(record, processes);
    if (wasStopped && processes.length > 0) this.handle({ type: 'stop' });
  }

  #findMain(record: UnitRecord | undefined, processes: readonly ProcessStat[]): void {
    const recorded = record?.process;
    const found =
      recorded !== undefined && recorded.bootId === bootId() && isAlive(recorded)
        ? recorded
        : findMainProcess(processes, (record?.unit ?? this.unit).argv);
    if (found === undefined) return;
    this.#main = { pid: found.pid, startTime: found.startTime };
    this.#adopted = true;
    const startedAt = found === recorded && record !== undefined ? record.startedAt : new Date().toISOString();
    this.#machine = adoptedMachine(monotonicNow() - (Date.now() - Date.parse(startedAt)));
    this.#save({
      unit: record?.unit ?? this.unit,
      stopped: record?.stopped ?? false,
      environment: record?.environment ?? '',
      process: { ...this.#main, bootId: bootId() },
      startedAt,
    });
    this.#say(`took back process ${found.pid}`);
    this.#watchReadiness();
  }

  /** For the next launch only. */
  useEnvironmentOnce(environment: Readonly<Record<string, string>>): void {
    this.#nextEnvironment = environment;
  }

  start(): void {
    this.#remember(false);
    this.handle({ type: 'start' });
  }

  /** Resolves when nothing of the unit is left. `remember`: it stays stopped for later supervisors as well. */
  async stop(options: { readonly remember: boolean }): Promise<void> {
    if (options.remember) this.#remember(true);
    this.handle({ type: 'stop' });
    await this.#settled();
  }

  async restart(): Promise<void> {
    this.#remember(false);
    this.handle({ type: 'restart' });
    await this.#settled();
  }

  /** SIGKILL to everything at once, and again until nothing is left; then it goes on like any that died. */
  async kill(): Promise<void> {
    this.#clearing += 1;
    const limit = monotonicNow() + killLimit;
    try {
      for (let left = this.#killAll(); left.length > 0; left = this.#killAll()) {
        if (monotonicNow() > limit) {
          throw unitWouldNotStop(
            this.unit.id,
            left.map((each) => each.pid),
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    } finally {
      this.#clearing -= 1;
      this.handle({ type: 'tick' });
    }
  }

  /** Writes the files and tells the running process, which from now on counts as started with this definition. */
  reload(unit: Unit, signal: NodeJS.Signals | undefined): void {
    prepareUnit(unit, this.#surroundings.stateDirectory, readSecrets(this.#surroundings.stateDirectory));
    this.unit = unit;
    if (signal !== undefined && this.#main !== undefined) signalProcess(this.#main, signal);
    if (this.#record !== undefined) this.#save({ ...this.#record, unit });
    this.#say(signal === undefined ? 'files written' : `files written, ${signal} sent`);
  }

  /** To be called now and then while `needsWatching`. */
  watch(processes: () => readonly ProcessStat[]): void {
    if (this.#adopted && this.#main !== undefined && !isAlive(this.#main)) this.#mainEnded('unknown');
    // The exit of our own child is told to us, with its reason.
    if (this.#machine.state !== 'stopping' || this.#main !== undefined || processes().length > 0) return;
    // A look at /proc is not atomic and may miss a process that was born during it.
    if (this.#surroundings.processesOf(this).length === 0) this.handle({ type: 'gone' });
  }

  /** Stops looking after it; its processes go on. */
  letGo(): void {
    clearTimeout(this.#timer);
    this.#probe?.abort();
    this.#endYielding();
  }

  #endYielding(): void {
    this.#yielding?.end();
    this.#yielding = undefined;
  }

  handle(event: UnitEvent): void {
    this.#events.push(event);
    if (this.#handling) return;
    this.#handling = true;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) this.#advance(next);
    } finally {
      this.#handling = false;
    }
    this.#setTimer();
  }

  #advance(event: UnitEvent): void {
    const before = this.#machine.state;
    const { machine, action } = step(this.#machine, event, {
      now: monotonicNow(),
      policy: {
        minPause: this.unit.restart.minMilliseconds,
        maxPause: this.unit.restart.maxMilliseconds,
        grace: this.unit.stop.graceSeconds * 1000,
      },
      dependenciesReady: this.#surroundings.dependenciesReady(this.unit) && this.#mayStart(),
      clearing: this.#clearing > 0,
    });
    this.#machine = machine;
    if (machine.state !== before && machine.state !== 'starting') this.#say(machine.state);
    if (action === 'launch') this.#launch();
    if (action === 'ask') this.#ask();
    if (action === 'kill') this.#killAll();
    if (machine.state === before) return;
    // What it yields to is looked at in this state only.
    if (machine.state === 'waiting') this.#events.push({ type: 'tick' });
    if (machine.state !== 'starting') this.#probe?.abort();
    if (machine.state !== 'waiting') this.#endYielding();
    for (const waiter of [...this.#waiters]) waiter();
    this.#surroundings.changed(this);
  }

  /** False while it leaves the processor to others, which only the first launch of all does. */
  #mayStart(): boolean {
    const wanted = this.unit.after?.yieldsTo;
    if (wanted === undefined || this.#record !== undefined) return true;
    if (this.#machine.state !== 'waiting') return false;
    this.#yielding ??= new Yielding(wanted, () => this.handle({ type: 'tick' }));
    return this.#yielding.isOver;
  }

  #launch(): void {
    this.#endYielding();
    const { stateDirectory } = this.#surroundings;
    const environment = this.#nextEnvironment;
    this.#nextEnvironment = {};
    let child: ChildProcess;
    try {
      const secrets = readSecrets(stateDirectory);
      child = launchUnit(this.unit, stateDirectory, secrets, environment);
      const stat = child.pid === undefined ? undefined : readStat(child.pid);
      this.#main = stat === undefined ? undefined : { pid: stat.pid, startTime: stat.startTime };
      this.#adopted = false;
      this.#listen(child, this.#main);
      this.#save({
        unit: this.unit,
        stopped: false,
        process: this.#main === undefined ? undefined : { ...this.#main, bootId: bootId() },
        startedAt: new Date().toISOString(),
        environment: hashEnvironment(this.unit, secrets),
      });
    } catch (error) {
      if (this.#main === undefined) this.handle({ type: 'ended', how: `could not start: ${(error as Error).message}` });
      else this.#say(`its record could not be written: ${(error as Error).message}`);
    }
    if (this.#main === undefined) return;
    this.#say(`started as process ${this.#main.pid}`);
    this.#watchReadiness();
  }

  #listen(child: ChildProcess, launched: ProcessIdentity | undefined): void {
    child.unref();
    child.once('error', (error) => {
      if (launched === undefined) this.handle({ type: 'ended', how: `could not start: ${error.message}` });
    });
    child.once('exit', (code, signal) => {
      if (this.#main === launched) this.#mainEnded(signal ?? `exit ${code}`);
    });
  }

  #mainEnded(how: string): void {
    this.#main = undefined;
    this.#adopted = false;
    this.#say(`ended: ${how}`);
    this.handle({ type: 'ended', how });
  }

  /**
   * The stop signal goes to the main process, which ends its own. Where that has ended before the rest, the rest is asked by SIGINT, the
   * way a terminal does: PostgreSQL takes it as a fast shutdown, while SIGTERM would wait for its clients.
   */
  #ask(): void {
    if (this.#main !== undefined && signalProcess(this.#main, this.unit.stop.signal)) return;
    for (const each of rootsOf(this.#surroundings.processesOf(this))) signalProcess(each, 'SIGINT');
    // Not at once: the event that led here is still being handled.
    setImmediate(() => this.watch(() => this.#surroundings.processesOf(this)));
  }

  #killAll(): readonly ProcessStat[] {
    const processes = this.#surroundings.processesOf(this);
    for (const each of processes) signalProcess(each, 'SIGKILL');
    return processes;
  }

  #watchReadiness(): void {
    this.#probe?.abort();
    const probe = new AbortController();
    this.#probe = probe;
    void awaitReady(() => this.unit.readiness, probe.signal).then((ready) => {
      if (ready) this.handle({ type: 'ready' });
    });
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    const { deadline } = this.#machine;
    if (deadline === undefined) return;
    this.#timer = setTimeout(() => this.handle({ type: 'tick' }), Math.max(1, Math.ceil(deadline - monotonicNow())));
  }

  /** Until it is not stopping any more; at most its grace period and what SIGKILL may take. */
  async #settled(): Promise<void> {
    const limit = this.unit.stop.graceSeconds * 1000 + killLimit;
    const settled = await new Promise<boolean>((resolve) => {
      const finish = (done: boolean) => {
        clearTimeout(timer);
        this.#waiters.delete(look);
        resolve(done);
      };
      const look = () => {
        if (this.#machine.state !== 'stopping') finish(true);
      };
      const timer = setTimeout(() => finish(false), limit);
      this.#waiters.add(look);
      look();
    });
    if (settled) return;
    const left = this.#surroundings.processesOf(this);
    throw unitWouldNotStop(
      this.unit.id,
      left.map((each) => each.pid),
    );
  }

  #remember(stopped: boolean): void {
    if (this.#record?.stopped === stopped || (this.#record === undefined && !stopped)) return;
    const blank = { unit: this.unit, process: undefined, startedAt: new Date().toISOString(), environment: '' };
    this.#save({ ...(this.#record ?? blank), stopped });
  }

  #save(record: UnitRecord): void {
    this.#record = record;
    writeRecord(this.#surroundings.stateDirectory, record);
  }

  forget(): void {
    this.#record = undefined;
    deleteRecord(this.#surroundings.stateDirectory, this.unit.id);
  }

  #say(text: string): void {
    this.#surroundings.log(`${this.unit.id}: ${text}`);
  }
}
