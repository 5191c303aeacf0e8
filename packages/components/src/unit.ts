import type { SecretRef, Template } from '@holdfast/spec';

/** The real parts that Holdfast runs. */
export type ComponentName = 'etcd' | 'patroni' | 'agent' | 'haproxy' | 'pgbouncer' | 'net' | 'api';

export interface UnitFile {
  /** Absolute. */
  readonly path: string;
  readonly mode: number;
  readonly content: Template;
  /** What to do with a running unit when this file changes. */
  readonly onChange: 'reload' | 'restart' | 'nothing';
}

/** A file of the state folder, or of the machine, that the unit gets a copy of: its account may not read the original. Made anew at each start. */
export interface UnitCopy {
  /** Absolute. */
  readonly from: string;
  readonly path: string;
  readonly mode: number;
}

export interface Volume {
  /** Absolute; made with this mode, owned by the unit's user, if it is not there. */
  readonly path: string;
  readonly mode: number;
  /** True: data that `down` keeps and only `down --purge` deletes. */
  readonly persistent: boolean;
}

export interface UnitPort {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export type Probe =
  /** Ready when a GET answers with one of these status codes. */
  | {
      readonly kind: 'http';
      readonly url: string;
      readonly statuses: readonly number[];
      readonly timeoutMilliseconds: number;
    }
  /** Ready when a TCP connection is accepted. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly timeoutMilliseconds: number }
  /** Ready as soon as it runs: nobody can knock at it. */
  | { readonly kind: 'running' };

export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGUSR1';

/** A container that a unit runs in, alone or with others: these start, restart and stop together. */
export interface UnitContainer {
  /** A DNS label, unique in a plan among containers. */
  readonly name: string;
  /** Name and tag of the image that holds its programs. */
  readonly image: string;
}

/** What leaves the processor to a start that everybody waits for. Only the runtime `process` knows it: elsewhere units start when they can. */
export interface Yielding {
  /** Started once this succeeds … */
  readonly until: Probe;
  /** … and in any case after this long. */
  readonly atMostMilliseconds: number;
  /** Absolute. Where this is there already it does not wait at all. */
  readonly unlessExists?: string;
}

export interface Dependencies {
  readonly units: readonly string[];
  readonly atLeast: number;
  /** The runtime `process` may start it at once: it does what it can before it waits for them. */
  readonly waitsByItself?: boolean;
  readonly yieldsTo?: Yielding;
}

/** One thing to run. Plain data; secrets by reference only. */
export interface Unit {
  /** Unique in a plan, a file name and a DNS label: `etcd1`, `pg2`, `haproxy`, `pgbouncer`. */
  readonly id: string;
  readonly component: ComponentName;
  readonly host: string;
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | SecretRef>>;
  readonly files: readonly UnitFile[];
  readonly copies?: readonly UnitCopy[];
  readonly volumes: readonly Volume[];
  readonly ports: readonly UnitPort[];
  /** Account to run as when the runtime is root; a runtime that is not root runs everything as itself. */
  readonly user: string;
  /** Name of the network namespace to run in (`ip netns`); undefined: the runtime's own. */
  readonly namespace?: string | undefined;
  /** Undefined: it is a process of the machine itself. */
  readonly container?: UnitContainer;
  readonly workingDirectory: string;
  readonly readiness: Probe;
  readonly stop: { readonly signal: StopSignal; readonly graceSeconds: number };
  readonly restart: { readonly minMilliseconds: number; readonly maxMilliseconds: number };
  /** Sent when a file with onChange 'reload' changed. */
  readonly reloadSignal: NodeJS.Signals | undefined;
  /** Started once at least `atLeast` of these units are ready. Stopping goes the other way round. */
  readonly after: Dependencies | undefined;
  /**
   * Processes whose working directory is this one belong to the unit even though they left its session
   * (PostgreSQL's all do: the postmaster changes to its data directory). Undefined: only descendants do.
   */
  readonly territory: string | undefined;
}
