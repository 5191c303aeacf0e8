import {
  cutMember,
  type Fault,
  freezeMember,
  killEtcdLeader,
  killMember,
  killPostgres,
  killTwice,
  switchover,
} from './faults.js';

/** What runs while a row is measured. Rows of the same one share it. */
export type Setting = 'on' | 'strict' | 'lab' | 'stock' | 'pg_auto_failover';

export const settingWords: Readonly<Record<Setting, string>> = {
  on: 'Holdfast, mode `on`',
  strict: 'Holdfast, mode `strict`',
  lab: 'Holdfast, mode `on`, a host each',
  stock: 'stock Patroni + HAProxy',
  pg_auto_failover: 'pg_auto_failover',
};

/**
 * `gap`: from the fault to the next acknowledged write. `longest`: the longest time in a round without an acknowledgement. `after-standby`:
 * what of the gap came after a standby streamed from a primary again.
 */
export type Measure = 'gap' | 'longest' | 'after-standby';

export interface Target {
  /** Milliseconds. */
  readonly median?: number;
  readonly max?: number;
  readonly errors?: number;
}

export interface Row {
  /** For --only. */
  readonly name: string;
  readonly title: string;
  readonly setting: Setting;
  readonly fault: Fault;
  readonly through: 'read-write' | 'pooler';
  readonly connections: number;
  readonly measure: Measure;
  readonly target: Target;
  /** What a round takes until it is known better, for the estimate. */
  readonly secondsARound: number;
}

const usual = { through: 'read-write', connections: 1, measure: 'gap', target: {}, secondsARound: 15 } as const;

const killed = { ...usual, title: 'every process of the primary’s member killed' };
const stillDown = { ...usual, title: 'every process of the primary’s member killed, and nobody starts it again' };
const frozen = { ...usual, title: 'primary frozen' };

/** Every row: what is done to whom, and what is measured. In the order in which they are run. */
export const rows: readonly Row[] = [
  {
    ...killed,
    name: 'killed',
    setting: 'on',
    fault: killMember('primary', { staysDown: false }),
    target: { median: 450, max: 1000 },
  },
  { ...stillDown, name: 'killed-down', setting: 'on', fault: killMember('primary', { staysDown: true }) },
  {
    ...usual,
    name: 'postgres-killed',
    title: 'PostgreSQL alone killed',
    setting: 'on',
    fault: killPostgres('primary'),
    target: { median: 600 },
  },
  {
    ...frozen,
    name: 'frozen',
    setting: 'on',
    fault: freezeMember('primary'),
    target: { median: 900, max: 2000 },
  },
  {
    ...usual,
    name: 'standby-killed',
    title: 'synchronous standby killed',
    setting: 'on',
    fault: killMember('synchronous', { staysDown: false }),
    measure: 'longest',
    target: { max: 1000 },
  },
  {
    ...usual,
    name: 'standby-frozen',
    title: 'synchronous standby frozen',
    setting: 'on',
    fault: freezeMember('synchronous'),
    measure: 'longest',
    target: { max: 2500 },
  },
  {
    ...usual,
    name: 'etcd-leader',
    title: 'leader of etcd killed',
    setting: 'on',
    fault: killEtcdLeader,
    measure: 'longest',
    target: { max: 500 },
  },
  {
    ...usual,
    name: 'switchover',
    title: 'planned switchover, through the pooler, 4 connections',
    setting: 'on',
    fault: switchover,
    through: 'pooler',
    connections: 4,
    measure: 'longest',
    target: { max: 1000, errors: 0 },
  },
  {
    ...killed,
    name: 'killed-strict',
    setting: 'strict',
    fault: killMember('primary', { staysDown: false }),
    target: { median: 800, max: 1500 },
  },
  { ...frozen, name: 'frozen-strict', setting: 'strict', fault: freezeMember('primary') },
  {
    ...usual,
    name: 'twice',
    title: 'two in a row: the new primary killed within 1 s of its promotion',
    setting: 'strict',
    fault: killTwice,
    measure: 'after-standby',
    target: { max: 2000 },
    secondsARound: 25,
  },
  {
    ...usual,
    name: 'cut',
    title: 'primary’s network cut off',
    setting: 'lab',
    fault: cutMember('primary'),
    target: { median: 900, max: 2000 },
  },
  {
    ...usual,
    name: 'standby-cut',
    title: 'synchronous standby’s network cut off',
    setting: 'lab',
    fault: cutMember('synchronous'),
    measure: 'longest',
    target: { max: 2500 },
  },
  {
    ...killed,
    name: 'stock-killed',
    setting: 'stock',
    fault: killMember('primary', { staysDown: false }),
    secondsARound: 45,
  },
  {
    ...stillDown,
    name: 'stock-killed-down',
    setting: 'stock',
    fault: killMember('primary', { staysDown: true }),
    secondsARound: 65,
  },
  { ...frozen, name: 'stock-frozen', setting: 'stock', fault: freezeMember('primary'), secondsARound: 65 },
  {
    ...stillDown,
    name: 'pg_auto_failover-killed',
    setting: 'pg_auto_failover',
    fault: killMember('primary', { staysDown: true }),
    secondsARound: 90,
  },
  {
    ...frozen,
    name: 'pg_auto_failover-frozen',
    setting: 'pg_auto_failover',
    fault: freezeMember('primary'),
    secondsARound: 90,
  },
];

export const peers = ['stock', 'pg_auto_failover'] as const;
export type Peer = (typeof peers)[number];

export function isPeer(setting: Setting): setting is Peer {
  return setting === 'stock' || setting === 'pg_auto_failover';
}
