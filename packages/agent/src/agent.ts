import { setMaxListeners } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AgentConfiguration,
  type AgentMember,
  createEtcdClient,
  createHaproxyClient,
  createPatroniClient,
} from '@holdfast/components';
import { timeLimit } from '@holdfast/spec';
import { Actor } from './actions.js';
import { DcsWatch } from './dcs-watch.js';
import { decide, suspicion } from './decide.js';
import { EtcdCluster } from './etcd-cluster.js';
import { isSilent } from './evidence.js';
import { type GateVerdict, judgeGate } from './gate.js';
import { answerHttp } from './http-gate.js';
import { Leadership } from './leadership.js';
import { logEvent } from './log.js';
import { askPatroni, MemberWatch } from './member-watch.js';
import { Metrics } from './metrics.js';
import { OwnPostgres } from './own-postgres.js';
import { AgentPort } from './port.js';
import { RunningClock } from './running-clock.js';
import { type AgentReport, type AgentView, handsOver } from './view.js';

export interface AgentSecrets {
  readonly postgres: string;
  readonly patroni: string;
  readonly haproxy: string;
  readonly agent: string;
}

const tickMilliseconds = 25;
/** A tick counts as running time up to here. */
const tickCap = 60;
const reportMilliseconds = 100;
/** Between two readings of the lock in etcd: of a member that holds it, and of one that does not. */
const proofMilliseconds = { leader: 100, other: 1000 };
const readMilliseconds = 1000;
const patroniMilliseconds = 500;
/** PostgreSQL is asked as often as possible for so long after a suspicion has begun. */
const suspenseMilliseconds = 1000;
const etcdStatusMilliseconds = 1000;
/** A question of HAProxy's waits for a proof for so long; then it gets no answer. */
const gatePatience = 900;
/** How old a proof may be, short of the silence that others need. */
const freshMargin = 250;
const unproven = 3000;

/** Runs an agent until the signal aborts. Throws when its port cannot be listened on. */
export async function runAgent(
  configuration: AgentConfiguration,
  secrets: AgentSecrets,
  signal: AbortSignal,
): Promise<void> {
  // Much waits for the agent's end at the same time, by design.
  setMaxListeners(0, signal);
  const agent = new Agent(configuration, secrets);
  await agent.run(signal);
}

class Agent {
  readonly #configuration: AgentConfiguration;
  readonly #clock = new RunningClock(tickCap);
  readonly #metrics = new Metrics();
  readonly #etcd: EtcdCluster;
  readonly #dcs: DcsWatch;
  readonly #postgres: OwnPostgres;
  readonly #others: ReadonlyMap<string, MemberWatch>;
  readonly #leadership: Leadership;
  readonly #actor: Actor;
  readonly #port: AgentPort;
  readonly #running = new Set<string>();
  readonly #endedSenders = new Set<number>();
  readonly #gateWaiters = new Set<() => void>();
  #signal: AbortSignal = AbortSignal.abort();
  /** Above those of an agent that stood here before: what others heard of that one proves nothing. */
  #sequence = Date.now();
  #lastReport = '';
  #patroniAnswers = false;
  #etcdLeaderMisplaced = false;
  /** `since` in running time, `at` by performance.now(). */
  #suspected:
    | { readonly holder: string; readonly since: number; readonly at: number; catchUp: 'running' | 'over' | undefined }
    | undefined;
  #since: Partial<Record<'seal' | 'wake' | 'fence' | 'move' | 'leading', number>> = {};
  #known: { readonly name: string; readonly lease: string } | undefined;
  #gate: GateVerdict = 'unsure';

  constructor(configuration: AgentConfiguration, secrets: AgentSecrets) {
    this.#configuration = configuration;
    const me = findMember(configuration, configuration.member);
    const others = configuration.members.filter(({ name }) => name !== me.name);
    const wake = () => this.#tick();
    this.#etcd = new EtcdCluster(
      configuration.etcd.map(({ url }) => createEtcdClient({ url, tls: configuration.etcdTls })),
    );
    this.#dcs = new DcsWatch(this.#etcd, configuration.dcsPrefix, wake);
    this.#postgres = new OwnPostgres(
      {
        host: me.host,
        port: me.postgresPort,
        user: configuration.users.postgres,
        password: secrets.postgres,
        database: 'postgres',
      },
      configuration.dataDirectory,
      wake,
    );
    this.#leadership = new Leadership(me.name, others.length, this.#clock);
    this.#others = new Map(
      others.map((member) => [
        member.name,
        new MemberWatch({
          me: me.name,
          member,
          secret: secrets.agent,
          clock: this.#clock,
          onReport: (report) => {
            this.#leadership.heard(report);
            if (report.postgres === 'crashed' || report.silent.length > 0 || report.suspects !== undefined)
              this.#tick();
          },
          onRefusal: (at) => this.#leadership.refused(member.name, at),
        }),
      ]),
    );
    this.#actor = new Actor({
      me: me.name,
      etcd: this.#etcd,
      etcdTargets: () => this.#etcdPlaces(),
      patroni: createPatroniClient({
        url: me.patroniUrl,
        username: configuration.users.patroni,
        password: secrets.patroni,
      }),
      haproxy: configuration.haproxy.map((url) =>
        createHaproxyClient({ url, username: configuration.users.haproxy, password: secrets.haproxy }),
      ),
      postgres: this.#postgres,
      postgresOf: (name) => {
        const { host, postgresPort } = findMember(configuration, name);
        return { host, port: postgresPort };
      },
      loopWait: configuration.loopWait,
      metrics: this.#metrics,
    });
    this.#port = new AgentPort({
      ...configuration.listen,
      me: me.name,
      members: configuration.members.map(({ name }) => name),
      secret: secrets.agent,
      onHttp: (request, response) => this.#answer(request, response),
      onGate: (gone) => this.#answerGate(gone),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    await this.#port.listen();
    await using _port = this.#port;
    const { cluster, member, mode } = this.#configuration;
    logEvent('started', { cluster, member, mode, pid: process.pid });
    const timer = setInterval(() => this.#tick(), tickMilliseconds);
    const reports = setInterval(() => this.#report(this.#view(), true), reportMilliseconds);
    try {
      await Promise.all([
        this.#dcs.run(signal),
        this.#postgres.run(signal),
        this.#readLock(signal),
        this.#watchPatroni(signal),
        this.#watchEtcdLeader(signal),
        ...[...this.#others.values()].map((each) => each.run(signal)),
      ]);
    } finally {
      clearInterval(timer);
      clearInterval(reports);
    }
  }

  #view(): AgentView {
    const { member, members, mode, silenceMilliseconds, fenceMilliseconds } = this.#configuration;
    const now = this.#clock.running();
    const age = (at: number | undefined) => (at === undefined ? undefined : now - at);
    const keys = this.#dcs.keys;
    const { state, position, stream, senders, commitsWait } = this.#postgres.sight;
    return {
      me: member,
      settings: {
        mode,
        members: members.map(({ name }) => name),
        silence: silenceMilliseconds,
        fresh: silenceMilliseconds - freshMargin,
        unproven,
        fence: fenceMilliseconds,
      },
      dcs: keys === undefined ? undefined : { keys, etcdLeaderMisplaced: this.#etcdLeaderMisplaced },
      others: new Map([...this.#others].map(([name, watch]) => [name, watch.sight])),
      own: {
        postgres: state,
        patroni: this.#patroniAnswers,
        position,
        positionIsNew: false,
        stream,
        senders,
        commitsWait,
        proof: this.#leadership.proof,
        deposed: this.#leadership.deposed,
      },
      memory: {
        suspected: undefined,
        catchUp: undefined,
        sinceSeal: age(this.#since.seal),
        sinceWake: age(this.#since.wake),
        sinceFence: age(this.#since.fence),
        sinceMove: age(this.#since.move),
        leading: age(this.#since.leading),
        endedSenders: this.#endedSenders,
      },
    };
  }

  #tick(): void {
    if (this.#signal.aborted) return;
    this.#clock.tick();
    this.#followLock();
    const view = this.#remember(this.#view());
    for (const action of decide(view)) {
      // One of a kind at a time; the view will show whether another is needed.
      if (this.#running.has(action.kind)) continue;
      const now = this.#clock.running();
      if (action.kind === 'seal' || action.kind === 'release') this.#since.seal = now;
      if (action.kind === 'wake-patroni') this.#since.wake = now;
      if (action.kind === 'fence') this.#since.fence = now;
      if (action.kind === 'move-etcd-leader') this.#since.move = now;
      if (action.kind === 'end-wal-sender') this.#endedSenders.add(action.pid);
      const suspected = action.kind === 'catch-up' ? this.#suspected : undefined;
      if (suspected !== undefined) suspected.catchUp = 'running';
      this.#running.add(action.kind);
      void this.#actor.act(action, this.#signal).finally(() => {
        this.#running.delete(action.kind);
        if (suspected === undefined) return;
        suspected.catchUp = 'over';
        this.#tick();
      });
    }
    this.#openOrClose(judgeGate(view));
    this.#report(view, false);
  }

  /** What a change of the lock's holder means for this member. */
  #followLock(): void {
    const { member } = this.#configuration;
    const leader = this.#dcs.keys?.raw.leader;
    if (leader === undefined) return;
    const { value: name, lease, modRevision } = leader;
    const before = this.#known;
    this.#leadership.holder(name, modRevision);
    if (before?.name === name && before.lease === lease) return;
    this.#known = { name, lease };
    if (name !== member) {
      delete this.#since.leading;
      return;
    }
    if (before?.name === member) return;
    this.#since.leading = this.#clock.running();
    this.#endedSenders.clear();
    logEvent('lock-held', { from: before?.name, revision: modRevision });
    if (before === undefined) return;
    // Whoever took it away may have died before it did the rest; both may be done twice.
    if (before.lease !== lease) void this.#actor.revoke(before.lease, this.#signal);
    void this.#actor.routeAway(before.name, this.#signal);
    this.#lockReads.abort();
  }

  /** For how long there has been a reason to suspect the holder is memory as well. */
  #remember(view: AgentView): AgentView {
    const suspect = suspicion(view);
    if (suspect === undefined) this.#suspected = undefined;
    else if (this.#suspected?.holder !== suspect.holder) {
      logEvent('suspicion', { holder: suspect.holder, ...suspect.evidence });
      const since = this.#clock.running();
      this.#suspected = { holder: suspect.holder, since, at: performance.now(), catchUp: undefined };
    }
    const leads = view.dcs?.keys.leader === view.me;
    const settled = view.own.postgres === 'primary' && (view.own.commitsWait || view.settings.mode !== 'strict');
    const suspected = this.#suspected === undefined ? undefined : this.#clock.running() - this.#suspected.since;
    const suspense = handsOver(view.settings.mode) && suspected !== undefined && suspected < suspenseMilliseconds;
    this.#postgres.eager = suspense || (leads && !settled);
    return {
      ...view,
      own: { ...view.own, positionIsNew: this.#suspects !== undefined },
      memory: { ...view.memory, suspected, catchUp: this.#suspected?.catchUp },
    };
  }

  /** The suspected holder, if PostgreSQL has been asked since. */
  get #suspects(): string | undefined {
    const suspected = this.#suspected;
    return suspected !== undefined && this.#postgres.askedAt > suspected.at ? suspected.holder : undefined;
  }

  #openOrClose(gate: GateVerdict): void {
    if (gate === this.#gate) return;
    const before = this.#gate;
    this.#gate = gate;
    if (gate === 'up' && before !== 'up') {
      this.#metrics.count('gate-opened');
      logEvent('gate-opened');
      // After a pause that nobody noticed HAProxy still has it right.
      if (before === 'down') void this.#actor.routeTo(this.#configuration.member, this.#signal);
    }
    if (gate === 'down') {
      this.#metrics.count('gate-closed');
      logEvent('gate-closed', { postgres: this.#postgres.sight.state, deposed: this.#leadership.deposed });
    }
    if (gate !== 'unsure') for (const waiter of this.#gateWaiters) waiter();
  }

  async #answerGate(gone: AbortSignal): Promise<'up' | 'down' | undefined> {
    // What was true at the last tick need not be now.
    this.#tick();
    if (this.#gate === 'unsure') {
      const limit = timeLimit(AbortSignal.any([gone, this.#signal]), gatePatience);
      await new Promise<void>((resolve) => {
        const done = () => {
          this.#gateWaiters.delete(done);
          limit.removeEventListener('abort', done);
          resolve();
        };
        this.#gateWaiters.add(done);
        limit.addEventListener('abort', done, { once: true });
      });
    }
    return this.#gate === 'unsure' ? undefined : this.#gate;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.#tick();
    answerHttp(request, response, this.#view(), this.#metrics, () => this.#clock.takeLongestPause());
  }

  /** Every `reportMilliseconds`, and at once when something changed that others act on. */
  #report(view: AgentView, due: boolean): void {
    const { member } = this.#configuration;
    const { state, position, stream } = this.#postgres.sight;
    const leader = this.#dcs.keys?.raw.leader;
    const what = {
      member,
      postgres: state,
      patroni: this.#patroniAnswers,
      leader: leader === undefined ? undefined : { name: leader.value, revision: leader.modRevision },
      silent: [...this.#others.keys()].filter((name) => isSilent(view, name)),
      suspects: this.#suspects,
      stream,
    };
    const text = JSON.stringify(what);
    if (!due && text === this.#lastReport) return;
    this.#lastReport = text;
    const heard = Object.fromEntries(
      [...this.#others].flatMap(([name, { heardSequence }]) =>
        heardSequence === undefined ? [] : [[name, heardSequence]],
      ),
    );
    const report: AgentReport = { ...what, sequence: ++this.#sequence, position, heard };
    this.#leadership.sent(report.sequence);
    this.#port.tell(JSON.stringify(report));
  }

  #lockReads = new AbortController();

  /** Reads the lock from etcd, linearizably: the proof of a member that holds it, and the check that the watch has missed nothing. */
  async #readLock(signal: AbortSignal): Promise<void> {
    const key = `${this.#configuration.dcsPrefix}leader`;
    while (!signal.aborted) {
      const askedAt = this.#clock.real();
      try {
        const { client, leader } = await this.#etcd.ask(
          async (each, limit) => ({ client: each, leader: await each.get(key, limit) }),
          readMilliseconds,
          signal,
        );
        this.#leadership.read(leader?.value, leader?.modRevision ?? '0', askedAt);
        this.#dcs.check(client, leader?.modRevision);
      } catch {
        // No proof; its age says so.
      }
      this.#tick();
      this.#lockReads = new AbortController();
      const concerned =
        this.#postgres.sight.state === 'primary' || this.#dcs.keys?.leader === this.#configuration.member;
      const pause = concerned ? proofMilliseconds.leader : proofMilliseconds.other;
      const until = AbortSignal.any([signal, this.#lockReads.signal]);
      await sleep(pause, undefined, { signal: until }).catch(() => undefined);
    }
  }

  async #watchPatroni(signal: AbortSignal): Promise<void> {
    const { patroniUrl } = findMember(this.#configuration, this.#configuration.member);
    while (!signal.aborted) {
      this.#patroniAnswers = (await askPatroni(patroniUrl, signal)) === 'answered';
      await sleep(patroniMilliseconds, undefined, { signal }).catch(() => undefined);
    }
  }

  async #watchEtcdLeader(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#etcdLeaderMisplaced = this.#since.leading !== undefined && (await this.#isEtcdLeaderMisplaced(signal));
      await sleep(etcdStatusMilliseconds, undefined, { signal }).catch(() => undefined);
    }
  }

  async #isEtcdLeaderMisplaced(signal: AbortSignal): Promise<boolean> {
    const places = this.#etcdPlaces();
    if (places.length === 0) return false;
    const limit = timeLimit(signal, etcdStatusMilliseconds);
    const states = await Promise.all(
      this.#etcd.members.map(async (client) => ({
        isPlace: places.includes(client.url),
        status: await client.status(limit).catch(() => undefined),
      })),
    );
    const leader = states.find(({ status }) => status !== undefined && status.leaderId === status.memberId);
    if (leader === undefined || leader.isPlace) return false;
    // One that is away, or has only just come back, could not take it.
    return states.some(({ isPlace, status }) => isPlace && status?.leaderId === leader.status?.memberId);
  }

  /** Where etcd's leader should be: beside no synchronous standby if possible, and never beside this member. */
  #etcdPlaces(): readonly string[] {
    const { etcd, member } = this.#configuration;
    const standbys = this.#dcs.keys?.sync.standbys ?? [];
    const away = etcd.filter(({ beside }) => !beside.includes(member));
    const best = away.filter(({ beside }) => !beside.some((name) => standbys.includes(name)));
    return (best.length > 0 ? best : away).map(({ url }) => url);
  }
}

function findMember(configuration: AgentConfiguration, name: string): AgentMember {
  const found = configuration.members.find((member) => member.name === name);
  if (found === undefined) throw new RangeError(`There is no member ${name}.`);
  return found;
}
