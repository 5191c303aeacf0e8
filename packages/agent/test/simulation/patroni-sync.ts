import type { ClusterView } from './patroni-cache.js';
import type { PatroniDcs } from './patroni-dcs.js';
import type { SimulatedPostgres, SyncNames } from './postgres.js';
import type { SimulatedProcess, Work } from './process.js';

export interface SyncState {
  readonly count: number;
  readonly names: ReadonlySet<string>;
  readonly confirmed: ReadonlySet<string>;
  readonly active: ReadonlySet<string>;
}

/** Patroni sleeps for 2 s; our launcher looks whether what it waits for is there already. */
const settles = { most: 2000, every: 30 };

/**
 * Ha._process_multisync_replication, in its order: who leaves goes from /sync before PostgreSQL stops waiting for it, and who comes is in
 * /sync only once PostgreSQL waits for it and it has everything. Every step on /sync is a compare-and-swap on what the one before wrote.
 */
export function* processMultisync(
  view: ClusterView,
  dcs: PatroniDcs,
  handler: SyncHandler,
  { strict }: { readonly strict: boolean },
): Work<void> {
  let { version } = view.sync;
  if (view.sync.leader === undefined) {
    version = yield* dcs.writeSync([], version);
    if (version === undefined) return;
  }
  const state = handler.currentState(view);
  let allowed = state.confirmed;
  let voters: ReadonlySet<string> = new Set(view.sync.standbys);
  if (sameSet(state.active, voters) && !sameSet(voters, allowed)) {
    version = yield* dcs.writeSync([...allowed], version);
    if (version === undefined) return;
    voters = allowed;
  }
  if (sameSet(state.active, voters) && sameSet(voters, state.names) && state.count === state.active.size) return;
  const common = new Set([...voters].filter((name) => allowed.has(name)));
  if (!sameSet(common, voters)) {
    version = yield* dcs.writeSync([...common], version);
    if (version === undefined) return;
  }
  const names = [...state.active].sort();
  yield* handler.setNames(names.length > 0 ? { kind: 'first', names } : { kind: strict ? 'star' : 'none' });
  if (names.length > 0 && !sameSet(allowed, state.active)) {
    for (let waited = 0; waited < settles.most; waited += settles.every) {
      allowed = handler.currentState(view).confirmed;
      if (names.every((name) => allowed.has(name))) break;
      yield handler.sleep(settles.every);
    }
  }
  if (allowed.size > 0 && !sameSet(allowed, common)) yield* dcs.writeSync([...allowed], version);
}

/**
 * patroni/postgresql/sync.py, class SyncHandler, for FIRST-style replication: which standbys could be synchronous (active), and which
 * are and have what was flushed when synchronous_standby_names was last changed (confirmed).
 */
export class SyncHandler {
  readonly #postgres: SimulatedPostgres;
  readonly #process: SimulatedProcess;
  readonly #wanted: number;
  #known = '';
  #names: SyncNames = { kind: 'none' };
  #flushed = 0;
  readonly #ready = new Set<string>();

  constructor(postgres: SimulatedPostgres, process: SimulatedProcess, wanted: number) {
    this.#postgres = postgres;
    this.#process = process;
    this.#wanted = wanted;
  }

  currentState(view: ClusterView): SyncState {
    this.#noteChange();
    const names = namesOf(this.#names);
    const replicas = this.#postgres.senders
      .filter(({ standby }) => view.members.get(standby.name)?.state === 'running')
      .map((sender) => ({
        name: sender.standby.name,
        state: this.#postgres.syncState(sender),
        flushed: sender.flushed,
      }))
      .sort((one, other) =>
        one.state === other.state ? other.flushed - one.flushed : one.state < other.state ? 1 : -1,
      );
    for (const { name, state, flushed } of replicas) {
      if (this.#ready.has(name) || !names.has(name)) continue;
      if (view.sync.standbys.includes(name) || (state === 'sync' && flushed >= this.#flushed)) this.#ready.add(name);
    }
    const picked = replicas.slice(0, this.#wanted);
    return {
      count: this.#names.kind === 'none' ? 0 : this.#names.kind === 'first' ? this.#names.names.length : 1,
      names,
      active: new Set(picked.map(({ name }) => name)),
      confirmed: new Set(
        picked.filter(({ name, state }) => state === 'sync' && this.#ready.has(name)).map(({ name }) => name),
      ),
    };
  }

  /** The change is in effect a moment after the reload; PostgreSQL's own queries show it only then. */
  *setNames(names: SyncNames): Work<void> {
    if (JSON.stringify(names) === JSON.stringify(this.#postgres.syncNames)) return;
    const { process } = this.#postgres;
    if (!this.#postgres.isPrimary) {
      this.#postgres.setSyncNames(names);
      return;
    }
    process.after(1, () => this.#postgres.setSyncNames(names));
    if (names.kind === 'star') return;
    yield this.#process.sleep(100);
    if (this.#postgres.isPrimary) this.#noteChange();
  }

  sleep(milliseconds: number) {
    return this.#process.sleep(milliseconds);
  }

  #noteChange(): void {
    const text = JSON.stringify(this.#postgres.syncNames);
    if (text === this.#known) return;
    this.#known = text;
    this.#names = this.#postgres.syncNames;
    const names = namesOf(this.#names);
    for (const name of this.#ready) if (!names.has(name)) this.#ready.delete(name);
    this.#flushed = this.#postgres.wal.length;
    // "Ensure some WAL traffic to move replication"
    if (this.#postgres.isPrimary && this.#postgres.process.answers) this.#postgres.append(0);
  }
}

function namesOf(names: SyncNames): ReadonlySet<string> {
  return new Set(names.kind === 'first' || names.kind === 'any' ? names.names : []);
}

function sameSet(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((each) => other.has(each));
}
