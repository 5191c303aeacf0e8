import type { GateVerdict } from '../../src/gate.js';
import { type Network, proxyHost } from './network.js';
import type { SimulatedPatroni } from './patroni.js';
import type { SimulatedPostgres } from './postgres.js';
import type { VirtualTime } from './virtual-time.js';

export interface Acknowledged {
  readonly write: number;
  readonly by: string;
  /** When the client sent it, and when it was told that it is committed. */
  readonly begun: number;
  readonly at: number;
  readonly routed: boolean;
  /** A synchronous standby had to have it first. */
  readonly waited: boolean;
}

export interface Server {
  readonly postgres: SimulatedPostgres;
  readonly patroni: SimulatedPatroni;
  readonly askGate: () => GateVerdict;
}

const check = 100;
const fall = 2;
const directEvery = 60;
const routedEvery = 15;
const routedPatience = 500;

/**
 * HAProxy and the clients. A server is used if Patroni says primary (two failed checks end that, one good one begins it) and its agent has
 * not said down: no answer changes nothing, and whoever seals says down for another (haproxy/configuration.ts). One client writes through
 * it, one at a time; another is connected straight to every member and writes as long as that lets it.
 */
export class Clients {
  readonly #time: VirtualTime;
  readonly #network: Network;
  readonly #servers: readonly Server[];
  readonly #state = new Map<string, { failed: number; healthy: boolean; agent: boolean }>();
  readonly acknowledged: Acknowledged[] = [];
  #writes = 0;
  #open: { readonly by: string; readonly since: number } | undefined;

  constructor(time: VirtualTime, network: Network, servers: readonly Server[]) {
    this.#time = time;
    this.#network = network;
    this.#servers = servers;
    for (const { postgres } of servers) this.#state.set(postgres.name, { failed: fall, healthy: false, agent: true });
    this.#again(check, () => this.#check());
    this.#again(directEvery, () => {
      for (const { postgres } of servers) this.#write(postgres, false);
    });
    this.#again(routedEvery, () => this.#routed());
  }

  /** An agent on `from` tells HAProxy that `member` is down. */
  routeAway(from: string, member: string): void {
    this.#network.send(from, proxyHost, () => {
      const state = this.#state.get(member);
      if (state !== undefined) state.agent = false;
      this.#endSessions(member);
    });
  }

  #again(milliseconds: number, run: () => void): void {
    const next = () => {
      run();
      this.#time.after(milliseconds, next);
    };
    this.#time.after(milliseconds, next);
  }

  #check(): void {
    for (const { postgres, patroni, askGate } of this.#servers) {
      const { name } = postgres;
      const state = this.#state.get(name);
      if (state === undefined) continue;
      const reached = this.#network.reaches(proxyHost, name) && this.#network.reaches(name, proxyHost);
      state.failed = reached && patroni.saysPrimary ? 0 : state.failed + 1;
      if (state.failed === 0) state.healthy = true;
      else if (state.failed >= fall && state.healthy) {
        state.healthy = false;
        this.#endSessions(name);
      }
      const verdict = reached ? askGate() : 'unsure';
      if (verdict === 'down' && state.agent) this.#endSessions(name);
      if (verdict !== 'unsure') state.agent = verdict === 'up';
    }
  }

  #endSessions(member: string): void {
    if (this.#open?.by === member) this.#open = undefined;
  }

  #routed(): void {
    if (this.#open !== undefined && this.#time.now - this.#open.since < routedPatience) return;
    const server = this.#servers.find(({ postgres: { name } }) => {
      const state = this.#state.get(name);
      const reached = this.#network.reaches(proxyHost, name) && this.#network.reaches(name, proxyHost);
      return state?.healthy && state.agent && reached;
    });
    this.#open = undefined;
    if (server === undefined) return;
    const open = { by: server.postgres.name, since: this.#time.now };
    this.#open = open;
    this.#write(server.postgres, true, () => {
      if (this.#open === open) this.#open = undefined;
    });
  }

  #write(postgres: SimulatedPostgres, routed: boolean, done: () => void = () => {}): void {
    const write = ++this.#writes;
    const begun = this.#time.now;
    postgres.write(write, (waited) => {
      this.acknowledged.push({ write, by: postgres.name, begun, at: this.#time.now, routed, waited });
      done();
    });
  }
}
