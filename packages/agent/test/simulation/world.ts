import type { Action } from '../../src/decide.js';
import { SimulatedAgent } from './agent.js';
import type { Mutation } from './agent-options.js';
import { type Acknowledged, Clients } from './clients.js';
import { SimulatedEtcd } from './etcd.js';
import { type Fault, type Part, type Schedule, warmUp } from './faults.js';
import { Network } from './network.js';
import { SimulatedPatroni } from './patroni.js';
import { prefix } from './patroni-cache.js';
import { SimulatedPostgres } from './postgres.js';
import type { SimulatedProcess } from './process.js';
import { strike } from './strike.js';
import { VirtualTime } from './virtual-time.js';

export interface RunOptions {
  readonly agents?: boolean;
  readonly mutation?: Mutation;
  /** Hands a line of what happens to whoever wants to read it. */
  readonly log?: (line: string) => void;
}

export interface Outcome {
  readonly acknowledged: readonly Acknowledged[];
  /** Acknowledged to a client and not on the surviving primary. */
  readonly lost: readonly Acknowledged[];
  /** The primary at the end; undefined: the cluster did not come back. */
  readonly survivor: string | undefined;
  /** Instants at which two gates said up. */
  readonly twoGates: readonly { readonly at: number; readonly who: readonly string[] }[];
  readonly actions: readonly { readonly at: number; readonly agent: string; readonly action: Action }[];
  /** Promotions: when a member's log began a timeline. */
  readonly promotions: readonly { readonly at: number; readonly who: string; readonly has: ReadonlySet<number> }[];
  /** Members that had what the new primary had not. */
  readonly rewinds: readonly { readonly at: number; readonly who: string }[];
  /** The longest time without an acknowledged write through HAProxy, from the first fault to the end of the faults. */
  readonly longestGap: number;
  readonly gapBegan: number;
  /** How often a Patroni that believed to be the leader made the missing leader key anew (Etcd3._update_leader). */
  readonly tookBack: number;
  readonly ended: number;
}

const settle = 90_000;

/** Runs a schedule: faults for a while, then everything is healed and started again, then the world settles. */
export function runSchedule(schedule: Schedule, options: RunOptions = {}): Outcome {
  return new World(schedule, options).run();
}

class World {
  readonly #schedule: Schedule;
  readonly #options: RunOptions;
  readonly #time: VirtualTime;
  readonly #network: Network;
  readonly #etcd: SimulatedEtcd;
  readonly #names: readonly string[];
  readonly #postgres = new Map<string, SimulatedPostgres>();
  readonly #patroni = new Map<string, SimulatedPatroni>();
  readonly #agents = new Map<string, SimulatedAgent>();
  readonly #clients: Clients;
  readonly #actions: { at: number; agent: string; action: Action }[] = [];
  readonly #twoGates: { at: number; who: readonly string[] }[] = [];
  readonly #rewinds: { at: number; who: string }[] = [];
  readonly #promotions: { at: number; who: string; has: ReadonlySet<number> }[] = [];

  constructor(schedule: Schedule, options: RunOptions) {
    this.#schedule = schedule;
    this.#options = options;
    const time = new VirtualTime(schedule.seed);
    this.#time = time;
    this.#network = new Network(time);
    this.#etcd = new SimulatedEtcd(time, this.#network);
    this.#names = Array.from({ length: schedule.members }, (_, index) => `pg${index + 1}`);
    const { mode, tear } = schedule;
    const standbys = Math.max(1, Math.min(schedule.standbys, schedule.members - 1));
    for (const name of this.#names) {
      const postgres = new SimulatedPostgres(name, time, this.#network, (other) => this.#postgres.get(other));
      const patroni = new SimulatedPatroni(postgres, time, this.#network, this.#etcd, {
        mode,
        standbys,
        tear,
        peers: () => [...this.#patroni.values()],
        onRewind: () => {
          this.#rewinds.push({ at: time.now, who: name });
          this.#log(`${name}: is rewound`);
        },
      });
      this.#postgres.set(name, postgres);
      this.#patroni.set(name, patroni);
      this.#agents.set(name, this.#newAgent(postgres, patroni));
    }
    this.#clients = new Clients(
      time,
      this.#network,
      this.#names.map((name) => {
        const agent = this.#agent(name);
        return { postgres: this.#pg(name), patroni: this.#ha(name), askGate: () => agent.answerGate() };
      }),
    );
    this.#begin();
  }

  run(): Outcome {
    const { faults } = this.#schedule;
    const end = Math.max(warmUp, ...faults.map(({ at, lasts }) => at + (lasts ?? 25_000))) + 2000;
    for (const fault of faults) this.#time.at(fault.at, () => this.#strike(fault));
    this.#time.runUntil(end);
    this.#healAll();
    const limit = end + settle;
    // All standbys may be long in coming: one that missed that the lock went away and came back is not rewound until its leader changes.
    const whole = () => this.#pg(this.#serving() ?? 'pg1').senders.length === this.#names.length - 1;
    do this.#time.runUntil(this.#time.now + 1000);
    while (this.#time.now < limit && (this.#serving() === undefined || !whole()));
    const survivor = this.#serving();
    return this.#judge(survivor, end);
  }

  #judge(survivor: string | undefined, end: number): Outcome {
    const { acknowledged } = this.#clients;
    const log = survivor === undefined ? undefined : new Set(this.#pg(survivor).wal.map(({ write }) => write));
    const from = Math.min(...this.#schedule.faults.map(({ at }) => at), end);
    const times = acknowledged.filter(({ routed, at }) => routed && at >= from - 100).map(({ at }) => at);
    let longestGap = 0;
    let gapBegan = from;
    for (const [index, at] of [...times, Math.max(end, times.at(-1) ?? 0)].entries()) {
      const before = times[index - 1] ?? from;
      if (before > end || at - before <= longestGap) continue;
      longestGap = at - before;
      gapBegan = before;
    }
    return {
      acknowledged,
      lost: log === undefined ? [] : acknowledged.filter(({ write }) => !log.has(write)),
      survivor,
      twoGates: this.#twoGates,
      actions: this.#actions,
      promotions: this.#promotions,
      rewinds: this.#rewinds,
      longestGap,
      gapBegan,
      tookBack: [...this.#patroni.values()].reduce((sum, each) => sum + each.tookBack, 0),
      ended: this.#time.now,
    };
  }

  #newAgent(postgres: SimulatedPostgres, patroni: SimulatedPatroni): SimulatedAgent {
    const time = this.#time;
    const { noise, mode } = this.#schedule;
    return new SimulatedAgent(
      { time, network: this.#network, etcd: this.#etcd, postgres, patroni },
      {
        mode,
        members: this.#names,
        peers: () => this.#agents,
        mutation: this.#options.mutation ?? {},
        routeAway: (from, member) => this.#clients.routeAway(from, member),
        onAction: (agent, action) => {
          this.#actions.push({ at: time.now, agent, action });
          const what = action.kind === 'seal' ? ` ${action.from} to ${action.to}` : '';
          this.#log(`${agent}: ${action.kind}${what}: ${'because' in action ? action.because : ''}`);
        },
        onUp: (agent) => this.#noteUp(agent),
        carry: (from, to, deliver) => {
          const copies = time.chance() < noise.loss ? 0 : time.chance() < noise.twice ? 2 : 1;
          for (let copy = 0; copy < copies; copy++) {
            const late = noise.late === 0 ? 0 : time.between(0, noise.late);
            time.after(late, () => this.#network.send(from, to, deliver));
          }
        },
      },
    );
  }

  #begin(): void {
    this.#etcd.put(`${prefix}history`, '1');
    this.#etcd.put(`${prefix}sync`, JSON.stringify({ leader: 'pg1', sync_standby: null, quorum: 0 }));
    this.#etcd.put(`${prefix}config`, '{}');
    for (const name of this.#names) {
      const postgres = this.#pg(name);
      if (this.#schedule.mode === 'strict') postgres.setSyncNames({ kind: 'star' });
      postgres.upstream = name === 'pg1' ? undefined : 'pg1';
      postgres.start(name !== 'pg1', 20);
      this.#ha(name).start();
      if (this.#options.agents !== false) this.#agent(name).start();
    }
    this.#watchPromotions();
  }

  #watchPromotions(): void {
    const primaries = new Map<string, number>();
    const look = () => {
      for (const [name, postgres] of this.#postgres) {
        const timeline = postgres.isPrimary ? postgres.timeline : 0;
        if (timeline > (primaries.get(name) ?? 0)) {
          this.#promotions.push({
            at: this.#time.now,
            who: name,
            has: new Set(postgres.wal.map(({ write }) => write)),
          });
          this.#log(`${name}: primary on timeline ${timeline}`);
        }
        primaries.set(name, timeline);
      }
      this.#time.after(5, look);
    };
    look();
  }

  #noteUp(agent: SimulatedAgent): void {
    const others = [...this.#agents.values()].filter((each) => each !== agent && each.gate() === 'up');
    if (others.length > 0) {
      this.#twoGates.push({ at: this.#time.now, who: [agent.name, ...others.map(({ name }) => name)] });
      this.#log(`two gates up: ${agent.name}, ${others.map(({ name }) => name).join(', ')}`);
    }
  }

  #strike(fault: Fault): void {
    this.#log(`fault ${JSON.stringify(fault)}`);
    const heal = strike(fault, {
      network: this.#network,
      etcd: this.#etcd,
      members: this.#names,
      postgres: (name) => this.#pg(name),
      processes: (name, what) => this.#processes(name, what),
      start: (name, what) => this.#startMissing(name, what),
    });
    if (fault.lasts === undefined) return;
    this.#time.after(fault.lasts, () => {
      this.#log(`over ${JSON.stringify(fault)}`);
      heal();
    });
  }

  #processes(name: string, what: Part): readonly SimulatedProcess[] {
    const [postgres, patroni, agent] = [this.#pg(name).process, this.#ha(name).process, this.#agent(name).process];
    if (what === 'all') return [agent, patroni, postgres];
    return [{ postgres, patroni, agent }[what]];
  }

  #startMissing(name: string, what: Part): void {
    if (what !== 'agent' && !this.#ha(name).process.running) this.#ha(name).start();
    if (what !== 'patroni' && this.#options.agents !== false && !this.#agent(name).process.running)
      this.#agent(name).start();
  }

  #healAll(): void {
    this.#log('everything is healed');
    this.#network.healAll();
    this.#etcd.regainQuorum();
    for (const name of this.#names) {
      for (const process of this.#processes(name, 'all')) process.thaw();
      this.#startMissing(name, 'all');
    }
  }

  /** The one primary, if it holds the lock and serves clients. */
  #serving(): string | undefined {
    const leader = this.#etcd.get(`${prefix}leader`)?.value;
    const primaries = this.#names.filter((name) => this.#pg(name).isPrimary);
    if (leader === undefined || primaries.length !== 1 || primaries[0] !== leader) return undefined;
    const last = this.#clients.acknowledged.findLast(({ routed }) => routed);
    return last !== undefined && last.by === leader && this.#time.now - last.at < 500 ? leader : undefined;
  }

  #log(line: string): void {
    this.#options.log?.(`${this.#time.now.toFixed(1).padStart(9)} ${line}`);
  }

  #pg(name: string): SimulatedPostgres {
    return found(this.#postgres.get(name));
  }

  #ha(name: string): SimulatedPatroni {
    return found(this.#patroni.get(name));
  }

  #agent(name: string): SimulatedAgent {
    return found(this.#agents.get(name));
  }
}

function found<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new RangeError('There is no such member.');
  return value;
}
