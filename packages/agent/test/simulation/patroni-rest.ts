import type { Network } from './network.js';
import type { SimulatedPatroni } from './patroni.js';
import type { Step, Work } from './process.js';
import type { VirtualTime } from './virtual-time.js';

const timeout = 2000;

/** What a Patroni says of its member when another one asks. */
export interface Status {
  readonly name: string;
  readonly primary: boolean;
  readonly position: number;
  readonly running: boolean;
}

export interface Caller {
  readonly name: string;
  readonly time: VirtualTime;
  readonly network: Network;
  readonly peers: readonly SimulatedPatroni[];
}

/** Ha.fetch_nodes_statuses: of those whose PostgreSQL runs; 2 s for who does not answer. */
export function* askStatuses(caller: Caller, names: readonly string[]): Work<readonly Status[]> {
  const answers = yield* askAll(caller, names, timeout, (peer) => peer.status);
  return answers.filter(({ running }) => running);
}

/** Ha.check_failsafe_topology: true only if all of them accept; one retry. */
export function* askFailsafe(caller: Caller, names: readonly string[]): Work<boolean> {
  const answers = yield* askAll(caller, names, 2 * timeout, (peer) => peer.acceptFailsafe(caller.name));
  return answers.length === names.length && answers.every(Boolean);
}

/** In parallel. Who refuses the connection or says nothing is left out. */
function* askAll<Value>(
  caller: Caller,
  names: readonly string[],
  patience: number,
  perform: (peer: SimulatedPatroni) => Value,
): Work<readonly Value[]> {
  const { time, network, peers } = caller;
  const step: Step<readonly Value[]> = (resume) => {
    const answers: Value[] = [];
    let open = names.length;
    const end = () => resume([...answers]);
    const back = (value: readonly Value[]) => {
      answers.push(...value);
      open -= 1;
      if (open === 0) end();
    };
    time.after(open === 0 ? 1 : patience, end);
    for (const name of names) {
      const peer = peers.find((each) => each.name === name);
      network.send(caller.name, name, () => {
        if (!peer?.process.running) network.send(name, caller.name, () => back([]));
        else
          peer.process.receive(() => {
            const value = perform(peer);
            network.send(name, caller.name, () => back([value]));
          });
      });
    }
  };
  return (yield step as Step) as readonly Value[];
}
