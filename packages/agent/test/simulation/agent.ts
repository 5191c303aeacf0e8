import type { EtcdKeyValue } from '@holdfast/components';
import { type Action, decide, suspicion } from '../../src/decide.js';
import { type GateVerdict, judgeGate } from '../../src/gate.js';
import { Leadership } from '../../src/leadership.js';
import { type AgentReport, type AgentView, handsOver } from '../../src/view.js';
import { SimulatedClock } from './agent-clock.js';
import { AgentDcs } from './agent-dcs.js';
import { MemberEars, type Probe } from './agent-ears.js';
import { AgentEyes } from './agent-eyes.js';
import { AgentHands } from './agent-hands.js';
import type { AgentOptions } from './agent-options.js';
import type { SimulatedEtcd } from './etcd.js';
import type { Network } from './network.js';
import type { SimulatedPatroni } from './patroni.js';
import type { SimulatedPostgres } from './postgres.js';
import { SimulatedProcess } from './process.js';
import type { VirtualTime } from './virtual-time.js';

const tick = 25;
const reportEvery = 100;
const patroniEvery = 500;
const probeTimeout = 250;
const answerTimeout = 400;
const suspense = 1000;
const settings = { silence: 450, fresh: 350, unproven: 3000, fence: 5000 };

/**
 * One agent: the real decision, gate and reckoning of proofs (decide.ts, gate.ts, leadership.ts), with what src/agent.ts does around them:
 * reports, probes, readings of the lock, and the carrying out of what was decided, each taking time and lost when it dies.
 */
export class SimulatedAgent {
  readonly name: string;
  readonly process: SimulatedProcess;
  readonly #time: VirtualTime;
  readonly #network: Network;
  readonly #etcd: SimulatedEtcd;
  readonly #postgres: SimulatedPostgres;
  readonly #patroni: SimulatedPatroni;
  readonly #options: AgentOptions;
  #clock: SimulatedClock;
  #leadership: Leadership;
  #ears = new Map<string, MemberEars>();
  #dcs: AgentDcs;
  #eyes: AgentEyes;
  readonly #hands: AgentHands;
  #patroniAnswers = false;
  #sequence = 0;
  #lastReport = '';
  #suspected:
    | { readonly holder: string; readonly since: number; readonly at: number; catchUp: 'running' | 'over' | undefined }
    | undefined;
  #since: Partial<Record<'seal' | 'wake' | 'fence' | 'move' | 'leading', number>> = {};
  #known: { readonly name: string; readonly lease: string } | undefined;
  #ended = new Set<number>();
  readonly #acting = new Set<string>();

  constructor(
    parts: {
      time: VirtualTime;
      network: Network;
      etcd: SimulatedEtcd;
      postgres: SimulatedPostgres;
      patroni: SimulatedPatroni;
    },
    options: AgentOptions,
  ) {
    this.name = parts.postgres.name;
    this.#time = parts.time;
    this.#network = parts.network;
    this.#etcd = parts.etcd;
    this.#postgres = parts.postgres;
    this.#patroni = parts.patroni;
    this.#options = options;
    this.process = new SimulatedProcess(parts.time);
    this.process.onThaw = () => this.#tick();
    this.#clock = new SimulatedClock(parts.time);
    this.#leadership = new Leadership(this.name, 0, this.#clock);
    this.#dcs = this.#newDcs();
    this.#eyes = this.#newEyes();
    this.#hands = new AgentHands(this.process, parts, options);
    this.#postgres.onEnd = () => this.process.after(1, () => this.#eyes.look());
  }

  start(): void {
    this.process.start();
    this.#clock = new SimulatedClock(this.#time);
    const others = this.#options.members.filter((name) => name !== this.name);
    this.#leadership = new Leadership(this.name, others.length, this.#clock);
    this.#ears = new Map(others.map((name) => [name, this.#listenTo(name)]));
    this.#dcs = this.#newDcs();
    this.#eyes = this.#newEyes();
    this.#patroniAnswers = false;
    this.#sequence = 0;
    this.#suspected = undefined;
    this.#since = {};
    this.#known = undefined;
    this.#ended = new Set();
    this.#acting.clear();
    this.process.every(tick, () => this.#tick());
    this.process.every(reportEvery, () => this.#report(true));
    this.process.run(this.#dcs.follow(() => this.#tick()));
    this.process.run(
      this.#dcs.readLock(
        (leader, askedAt) => this.#takeReading(leader, askedAt),
        () => this.#eyes.sight.state === 'primary' || this.#dcs.keys?.leader === this.name,
      ),
    );
    this.process.run(
      this.#eyes.watch(() => this.#inSuspense || (this.#dcs.keys?.leader === this.name && !this.#isSettled)),
    );
    this.process.every(patroniEvery, () => this.#askOwnPatroni());
  }

  /** HAProxy's question, now. */
  answerGate(): GateVerdict {
    if (!this.process.answers) return 'unsure';
    this.#tick();
    return this.#verdict(this.#view());
  }

  /** Whether it would say up, without asking. */
  gate(): GateVerdict {
    if (!this.process.answers || this.#eyes.sight.state !== 'primary') return 'unsure';
    return this.#verdict(this.#view());
  }

  #view(): AgentView {
    const now = this.#clock.running();
    const age = (at: number | undefined) => (at === undefined ? undefined : now - at);
    const { keys } = this.#dcs;
    const { state, position, stream, senders, commitsWait } = this.#eyes.sight;
    const view: AgentView = {
      me: this.name,
      settings: { mode: this.#options.mode, members: this.#options.members, ...settings },
      dcs: keys === undefined ? undefined : { keys, etcdLeaderMisplaced: false },
      others: new Map([...this.#ears].map(([name, ears]) => [name, ears.sight])),
      own: {
        postgres: state,
        patroni: this.#patroniAnswers,
        position,
        positionIsNew: this.#suspects !== undefined,
        stream,
        senders,
        commitsWait,
        proof: this.#leadership.proof,
        deposed: this.#leadership.deposed,
      },
      memory: {
        suspected: age(this.#suspected?.since),
        catchUp: this.#suspected?.catchUp,
        sinceSeal: age(this.#since.seal),
        sinceWake: age(this.#since.wake),
        sinceFence: age(this.#since.fence),
        sinceMove: age(this.#since.move),
        leading: age(this.#since.leading),
        endedSenders: this.#ended,
      },
    };
    return this.#options.mutation.view?.(view) ?? view;
  }

  #tick(): void {
    this.#clock.tick();
    this.#followLock();
    const before = this.#view();
    const suspect = suspicion(before);
    if (suspect === undefined) this.#suspected = undefined;
    else if (this.#suspected?.holder !== suspect.holder) {
      this.#suspected = {
        holder: suspect.holder,
        since: this.#clock.running(),
        at: this.#time.now,
        catchUp: undefined,
      };
      if (this.#inSuspense) this.process.after(1, () => this.#eyes.look());
    }
    const view = suspect === undefined && before.memory.suspected === undefined ? before : this.#view();
    const decided = decide(view);
    for (const action of this.#options.mutation.actions?.(view, decided) ?? decided) this.#begin(action);
    if (this.#verdict(view) === 'up') this.#options.onUp(this);
    this.#report(false, view);
  }

  /** One of a kind at a time. */
  #begin(action: Action): void {
    if (this.#acting.has(action.kind)) return;
    const now = this.#clock.running();
    if (action.kind === 'seal' || action.kind === 'release') this.#since.seal = now;
    if (action.kind === 'wake-patroni') this.#since.wake = now;
    if (action.kind === 'fence') this.#since.fence = now;
    if (action.kind === 'move-etcd-leader') this.#since.move = now;
    if (action.kind === 'end-wal-sender') this.#ended.add(action.pid);
    const suspected = action.kind === 'catch-up' ? this.#suspected : undefined;
    if (suspected !== undefined) suspected.catchUp = 'running';
    this.#acting.add(action.kind);
    this.#options.onAction(this.name, action);
    this.process.run(this.#hands.perform(action, this.#dcs.keys), () => {
      this.#acting.delete(action.kind);
      if (suspected === undefined) return;
      suspected.catchUp = 'over';
      this.#tick();
    });
  }

  /** The suspected holder, if PostgreSQL has been asked since. */
  get #suspects(): string | undefined {
    const suspected = this.#suspected;
    return suspected !== undefined && this.#eyes.askedAt > suspected.at ? suspected.holder : undefined;
  }

  get #inSuspense(): boolean {
    const since = this.#suspected?.since;
    return handsOver(this.#options.mode) && since !== undefined && this.#clock.running() - since < suspense;
  }

  #verdict(view: AgentView): GateVerdict {
    return judgeGate(this.#options.mutation.gate?.(view) ?? view);
  }

  #followLock(): void {
    const leader = this.#dcs.keys?.raw.leader;
    if (leader === undefined) return;
    const { value: name, lease, modRevision } = leader;
    const before = this.#known;
    this.#leadership.holder(name, modRevision);
    if (before?.name === name && before.lease === lease) return;
    this.#known = { name, lease };
    if (name !== this.name) {
      delete this.#since.leading;
      return;
    }
    if (before?.name === this.name) return;
    this.#since.leading = this.#clock.running();
    this.#ended.clear();
    if (before === undefined) return;
    if (before.lease !== lease) this.process.run(this.#hands.revoke(before.lease));
    this.#options.routeAway(this.name, before.name);
    this.process.run(this.#dcs.readOnce((key, askedAt) => this.#takeReading(key, askedAt)));
  }

  #takeReading(leader: EtcdKeyValue | undefined, askedAt: number): void {
    this.#leadership.read(leader?.value, leader?.modRevision ?? '0', askedAt);
    this.#tick();
  }

  get #isSettled(): boolean {
    const { state, commitsWait } = this.#eyes.sight;
    return state === 'primary' && (commitsWait || this.#options.mode !== 'strict');
  }

  #newDcs(): AgentDcs {
    return new AgentDcs(this.name, this.process, this.#time, this.#etcd);
  }

  #newEyes(): AgentEyes {
    return new AgentEyes(this.process, this.#time, this.#postgres, () => this.#tick());
  }

  #askOwnPatroni(): void {
    const { process } = this.#patroni;
    if (process.answers || !process.running) this.#patroniAnswers = process.answers;
    else
      this.process.after(probeTimeout, () => {
        this.#patroniAnswers = this.#patroni.process.answers;
      });
  }

  #report(due: boolean, view?: AgentView): void {
    const leader = this.#dcs.keys?.raw.leader;
    const silent: string[] = [];
    for (const [name, ears] of view?.others ?? this.#ears) {
      const quiet = 'sight' in ears ? ears.sight.silent : ears.silent;
      if (quiet !== undefined && quiet >= settings.silence) silent.push(name);
    }
    const { state, position, stream } = this.#eyes.sight;
    const suspects = this.#suspects;
    const said = `${state} ${this.#patroniAnswers} ${leader?.modRevision} ${silent.join()} ${suspects}`;
    if (!due && said === this.#lastReport) return;
    this.#lastReport = said;
    const heard: Record<string, number> = {};
    for (const [name, { heardSequence }] of this.#ears) if (heardSequence !== undefined) heard[name] = heardSequence;
    const report: AgentReport = {
      member: this.name,
      sequence: ++this.#sequence,
      postgres: state,
      patroni: this.#patroniAnswers,
      position,
      leader: leader === undefined ? undefined : { name: leader.value, revision: leader.modRevision },
      silent,
      suspects,
      stream,
      heard,
    };
    this.#leadership.sent(report.sequence);
    for (const [name, peer] of this.#options.peers()) {
      if (name === this.name) continue;
      this.#options.carry(this.name, name, () => peer.process.receive(() => peer.#hear(report)));
    }
  }

  #hear(report: AgentReport): void {
    this.#ears.get(report.member)?.take(report);
    this.#leadership.heard(report);
    if (report.postgres === 'crashed' || report.silent.length > 0 || report.suspects !== undefined) this.#tick();
  }

  #listenTo(name: string): MemberEars {
    const ears = new MemberEars(
      this.process,
      this.#clock,
      (port, back) => {
        const incarnation = this.process.incarnation;
        const answer = (outcome: Probe) => {
          if (this.process.incarnation === incarnation) this.process.receive(() => back(outcome));
        };
        const peer = this.#options.peers().get(name);
        const target =
          peer === undefined
            ? undefined
            : { agent: peer.process, patroni: peer.#patroni.process, postgres: peer.#postgres.process }[port];
        this.process.after(port === 'agent' ? probeTimeout : answerTimeout, () => answer('nothing'));
        this.#network.send(this.name, name, () => {
          if (target?.frozen) return;
          const outcome = target?.running ? 'answered' : 'refused';
          this.#network.send(name, this.name, () => answer(outcome));
        });
      },
      (at) => this.#leadership.refused(name, at),
      () => this.#time.now,
    );
    ears.start();
    return ears;
  }
}
