import { type EtcdKeyValue, readPatroniKeys } from '@holdfast/components';
import type { AgentReport, AgentView, DcsSight, MemberSight, WalSender } from '../src/view.js';

const prefix = '/service/demo/';

export interface ExampleKeys {
  readonly leader?: string | undefined;
  readonly sync?: { readonly leader: string; readonly standbys: readonly string[] };
  readonly members?: readonly string[];
  readonly tags?: Readonly<Record<string, Readonly<Record<string, boolean>>>>;
  readonly failover?: boolean;
  readonly paused?: boolean;
}

/** etcd as pg1 left it that leads, with pg2 as its synchronous standby. Member keys and the lock hang on leases named after their owner. */
export function exampleDcs(keys: ExampleKeys = {}): DcsSight {
  const { sync = { leader: 'pg1', standbys: ['pg2'] }, members = ['pg1', 'pg2', 'pg3'] } = keys;
  const leader = 'leader' in keys ? keys.leader : 'pg1';
  const entry = (key: string, value: unknown, lease = '0', revision = '7'): EtcdKeyValue => ({
    key: prefix + key,
    value: typeof value === 'string' ? value : JSON.stringify(value),
    modRevision: revision,
    lease,
  });
  const entries = [
    entry('sync', { leader: sync.leader, sync_standby: sync.standbys.join(',') || null }, '0', '5'),
    entry('config', { pause: keys.paused === true }),
    ...(leader === undefined ? [] : [entry('leader', leader, `lease-${leader}`, '6')]),
    ...(keys.failover ? [entry('failover', { leader, member: 'pg2' })] : []),
    ...members.map((name) => entry(`members/${name}`, { state: 'running', tags: keys.tags?.[name] }, `lease-${name}`)),
  ];
  return { keys: readPatroniKeys(prefix, entries), etcdLeaderMisplaced: false };
}

export function exampleReport(member: string, change: Partial<AgentReport> = {}): AgentReport {
  const report: AgentReport = {
    member,
    sequence: 100,
    postgres: member === 'pg1' ? 'primary' : 'standby',
    patroni: true,
    position: 1000,
    leader: { name: 'pg1', revision: '6' },
    silent: [],
    stream: member === 'pg1' ? undefined : 'pg1/7',
    heard: {},
  };
  return { ...report, ...change };
}

/** A member that was heard 30 ms ago. */
export function exampleSight(
  member: string,
  change: Partial<MemberSight> = {},
  said: Partial<AgentReport> = {},
): MemberSight {
  const report = { said: exampleReport(member, said), age: 30 };
  return { silent: 30, refusing: undefined, agentRefusing: undefined, report, ...change };
}

export function exampleSender(standby: string, change: Partial<WalSender> = {}): WalSender {
  const pid = 100 + Number(standby.slice(2));
  return { standby, pid, streaming: true, synchronous: standby === 'pg2', replyAge: 50, ...change };
}

export interface ViewChange {
  readonly settings?: Partial<AgentView['settings']>;
  readonly dcs?: DcsSight | undefined;
  readonly others?: Readonly<Record<string, MemberSight>>;
  readonly own?: Partial<AgentView['own']>;
  readonly memory?: Partial<AgentView['memory']>;
}

/** What `me` of three members knows while all is well: pg1 leads, pg2 is its synchronous standby. */
export function exampleView(me: string, change: ViewChange = {}): AgentView {
  const members = change.settings?.members ?? ['pg1', 'pg2', 'pg3'];
  const primary = me === 'pg1';
  const others = members.filter((name) => name !== me);
  return {
    me,
    settings: { mode: 'strict', members, silence: 450, fresh: 350, unproven: 3000, fence: 5000, ...change.settings },
    dcs: 'dcs' in change ? change.dcs : exampleDcs(),
    others: new Map([
      ...others.map((name) => [name, exampleSight(name)] as const),
      ...Object.entries(change.others ?? {}),
    ]),
    own: {
      postgres: primary ? 'primary' : 'standby',
      patroni: true,
      position: 1000,
      positionIsNew: true,
      stream: primary ? undefined : 'pg1/7',
      senders: primary ? others.map((name) => exampleSender(name)) : [],
      commitsWait: primary,
      proof: primary ? 40 : undefined,
      deposed: undefined,
      ...change.own,
    },
    memory: {
      suspected: undefined,
      catchUp: undefined,
      sinceSeal: undefined,
      sinceWake: undefined,
      sinceFence: undefined,
      sinceMove: undefined,
      leading: primary ? 60_000 : undefined,
      endedSenders: new Set(),
      ...change.memory,
    },
  };
}
