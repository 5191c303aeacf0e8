import { clockIsShared } from '../errors.js';
import type { FaultKind } from './fault.js';

/** Linux's time namespaces cover the monotonic clocks and not the one on the wall (time_namespaces(7)), which all members share. */
export const jumpClock: FaultKind = {
  name: 'jump-clock',
  summary: 'a member’s wall clock jumps; not possible while members share the machine’s clock',
  needs: 'clock',
  roles: ['primary', 'standby'],
  momentary: false,
  create() {
    throw clockIsShared();
  },
};
