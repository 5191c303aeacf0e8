import { killEtcdLeader, loseEtcdQuorum } from './etcd.js';
import type { FaultKind } from './fault.js';
import { fillDisk } from './fill-disk.js';
import { freezeHost, freezeMember, freezePatroni, freezePostgres } from './freeze.js';
import { jumpClock } from './jump-clock.js';
import {
  killAgent,
  killHaproxy,
  killMember,
  killPatroni,
  killPgbouncer,
  killPostgres,
  loseHost,
  loseMember,
} from './kill.js';
import { partitions } from './partition.js';
import { slowNetwork } from './slow-network.js';

/** Every fault there is, in the order in which they are listed. */
export const faultKinds: readonly FaultKind[] = [
  killMember,
  loseMember,
  loseHost,
  killPostgres,
  killPatroni,
  killAgent,
  freezeMember,
  freezeHost,
  freezePostgres,
  freezePatroni,
  ...partitions,
  slowNetwork,
  killEtcdLeader,
  loseEtcdQuorum,
  killHaproxy,
  killPgbouncer,
  fillDisk,
  jumpClock,
];

/** Throws RangeError for a name that no fault has. */
export function faultKind(name: string): FaultKind {
  const kind = faultKinds.find((each) => each.name === name);
  if (kind === undefined) throw new RangeError(`there is no fault "${name}"`);
  return kind;
}
